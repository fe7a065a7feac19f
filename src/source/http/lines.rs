//! `POST /ingest`: lines, or values of JSON.

use std::sync::Arc;
use std::time::Duration;

use super::ROOM_WAIT;
use super::body::Body;
use super::elements::Elements;
use super::refusal::Refusal;
use crate::source::held::Held;
use crate::source::intake::{Chunk, Counted, Intake, READ_BYTES, Room, Stream, Unit};
use errtally_core::fields::PeerName;

/// A body up to this is counted when it is whole, or not at all.
const WHOLE_BYTES: usize = 4 << 20;

/// The longest value of JSON.
const LONGEST_VALUE: usize = 4 << 20;

/// What it takes to know where a value ends, and who has sent it.
const PLACE_BYTES: usize = 32;

/// What the body of a request holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Lines.
    Lines,
    /// An array, or values behind each other.
    Json,
}

impl Form {
    /// The form that a `Content-Type` names.
    ///
    /// # Errors
    /// When it is none that is read.
    pub fn of(content_type: &str) -> Result<Form, Refusal> {
        let kind = content_type.split(';').next().unwrap_or("").trim().to_ascii_lowercase();
        match &*kind {
            "application/json" => Ok(Form::Json),
            // What curl says where it is told nothing.
            "" | "application/x-www-form-urlencoded" | "application/octet-stream" => Ok(Form::Lines),
            "application/x-ndjson"
            | "application/ndjson"
            | "application/jsonl"
            | "application/json-lines" => Ok(Form::Lines),
            kind if kind.starts_with("text/") => Ok(Form::Lines),
            _ => Err(Refusal::MediaType(format!(
                "a body of {kind:.100} is not read: send text/plain, application/x-ndjson or application/json"
            ))),
        }
    }
}

/// Counts `body`; returns when all of it is counted, and its events have arrived.
///
/// # Errors
/// When it is refused. What of a long one came before may be counted.
pub async fn count(
    mut body: Body<'_>,
    form: Form,
    mut held: Held,
    intake: &Intake,
    peer: Arc<PeerName>,
) -> Result<(), Refusal> {
    let last = match form {
        Form::Lines => lines(&mut body, &mut held, intake, peer).await?,
        Form::Json => json(&mut body, &mut held, intake, peer).await?,
    };
    drop(held);
    last.wait().await.map_err(|_| Refusal::Stopping)
}

async fn lines(
    body: &mut Body<'_>,
    held: &mut Held,
    intake: &Intake,
    peer: Arc<PeerName>,
) -> Result<Counted, Refusal> {
    let mut bytes = Vec::new();
    let mut stream: Option<Stream> = None;
    loop {
        match body.read(&mut bytes).await {
            Ok(true) => {}
            Ok(false) => break,
            Err(refusal) => {
                // Some of it is counted: then all that has come is.
                if let Some(stream) = &stream {
                    give_lines(&mut bytes, stream, intake).await;
                }
                return Err(refusal);
            }
        }
        let keep = stream.is_none() && bytes.len() <= WHOLE_BYTES && held.grow_to(bytes.len());
        if !keep && (stream.is_none() || bytes.len() >= READ_BYTES / 2) {
            let stream = stream.get_or_insert_with(|| intake.stream(peer.clone()));
            give_lines(&mut bytes, stream, intake).await;
        }
    }
    let wait = match stream {
        Some(stream) => {
            give_lines(&mut bytes, &stream, intake).await;
            // What comes behind the stream's end is counted after all of it.
            drop(stream);
            None
        }
        None => Some(ROOM_WAIT),
    };
    let room = room(intake, bytes.len(), wait).await?;
    Ok(intake.give(Unit::Lines { bytes, peer }, room))
}

async fn give_lines(bytes: &mut Vec<u8>, stream: &Stream, intake: &Intake) {
    while !bytes.is_empty() {
        let rest = bytes.split_off(bytes.len().min(READ_BYTES));
        let piece = std::mem::replace(bytes, rest);
        let room = intake.room(piece.len()).await;
        stream.lines(Chunk::from(piece), room);
    }
}

async fn json(
    body: &mut Body<'_>,
    held: &mut Held,
    intake: &Intake,
    peer: Arc<PeerName>,
) -> Result<Counted, Refusal> {
    let broken = |broken: super::elements::Broken| Refusal::Malformed(format!("no JSON: {broken}"));
    let mut elements = Elements::new();
    let (mut text, mut bytes, mut ends) = (Vec::new(), Vec::new(), Vec::new());
    let mut keep = true;
    while body.read(&mut text).await? {
        elements.push(&text, &mut bytes, &mut ends).map_err(broken)?;
        text.clear();
        let begun = bytes.len() - ends.last().copied().unwrap_or(0);
        if begun > LONGEST_VALUE {
            return Err(Refusal::TooLarge(format!("a value of more than {LONGEST_VALUE} bytes")));
        }
        // Many small values take more room than their bytes.
        let size = bytes.len() + PLACE_BYTES * ends.len();
        keep = keep && size <= WHOLE_BYTES && held.grow_to(size);
        if !keep && begun > READ_BYTES && !held.grow_to(begun.next_power_of_two()) {
            return Err(Refusal::Busy);
        }
        if !keep && size - begun >= READ_BYTES / 2 {
            give_records(&mut bytes, &mut ends, intake, &peer, None).await?;
        }
    }
    elements.end(&bytes, &mut ends).map_err(broken)?;
    give_records(&mut bytes, &mut ends, intake, &peer, keep.then_some(ROOM_WAIT)).await
}

/// Room for so many bytes, within a time where there is one.
async fn room(intake: &Intake, bytes: usize, wait: Option<Duration>) -> Result<Room, Refusal> {
    match wait {
        Some(time) => intake.room_within(bytes, time).await.map_err(|_| Refusal::Busy),
        None => Ok(intake.room(bytes).await),
    }
}

/// Gives the records that are whole, where there is room within a time; what is begun stays.
///
/// # Errors
/// When there is no room.
pub async fn give_records(
    bytes: &mut Vec<u8>,
    ends: &mut Vec<usize>,
    intake: &Intake,
    peer: &Arc<PeerName>,
    wait: Option<Duration>,
) -> Result<Counted, Refusal> {
    let whole = ends.last().copied().unwrap_or(0);
    let rest = bytes.split_off(whole);
    let bytes = std::mem::replace(bytes, rest);
    let mut start = 0;
    let place = |end| (std::mem::replace(&mut start, end)..end, peer.clone());
    let records = ends.drain(..).map(place).collect();
    let room = room(intake, bytes.len(), wait).await?;
    Ok(intake.give(Unit::Records { bytes, records }, room))
}
