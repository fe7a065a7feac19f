//! What may be set of events and their sinks.

use std::path::PathBuf;

use errtally_core::event::EventFilter;

/// Where events go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EventsTo {
    /// Nowhere: there are none.
    #[default]
    None,
    /// To standard output.
    Stdout,
    /// To a file.
    File,
    /// To a topic.
    Kafka,
}

impl EventsTo {
    /// As it is written in the settings, and as a label.
    pub fn as_str(self) -> &'static str {
        match self {
            EventsTo::None => "none",
            EventsTo::Stdout => "stdout",
            EventsTo::File => "file",
            EventsTo::Kafka => "kafka",
        }
    }
}

/// What happens when events cannot be written as fast as they come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WhenFull {
    /// Reading waits.
    #[default]
    Wait,
    /// Events are dropped and counted.
    Drop,
}

/// A file of events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventFileSettings {
    /// The file that is written to.
    pub path: PathBuf,
    /// Size at which it is rotated.
    pub max_bytes: usize,
    /// Rotated files that are kept, `PATH.1` the newest.
    pub keep: usize,
}

/// A topic of events.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventKafkaSettings {
    /// Brokers to begin with; those of the source where empty.
    pub brokers: Vec<String>,
    /// The topic.
    pub topic: String,
    /// Further properties of librdkafka.
    pub properties: Vec<(String, String)>,
}

/// Which events there are and where they go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventSettings {
    /// Where to.
    pub to: EventsTo,
    /// Whether an event carries its record.
    pub include_record: bool,
    /// The longest part of a record that it carries.
    pub max_record_bytes: usize,
    /// What happens when they come faster than they go.
    pub when_full: WhenFull,
    /// Which hits become events.
    pub only: EventFilter,
    /// How, where it is a file.
    pub file: EventFileSettings,
    /// How, where it is Kafka.
    pub kafka: EventKafkaSettings,
}

impl Default for EventSettings {
    fn default() -> EventSettings {
        EventSettings {
            to: EventsTo::None,
            include_record: false,
            max_record_bytes: 16 << 10,
            when_full: WhenFull::Wait,
            only: EventFilter::default(),
            file: EventFileSettings { path: PathBuf::new(), max_bytes: 100 << 20, keep: 5 },
            kafka: EventKafkaSettings::default(),
        }
    }
}
