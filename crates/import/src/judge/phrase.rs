//! Phrases in a text, by its words.
//!
//! A phrase is words with blanks between them. `word*` is any word that begins
//! so, `*ed` one that ends so, `a|b` either of two, `..` any words, up to [`GAP`] of them, within one
//! sentence.

/// Most words that `..` stands for.
const GAP: usize = 7;

/// Most words of a text that are looked at.
const MAX_WORDS: usize = 200;

/// The words of a text in lower case; `.` where a sentence ends.
pub struct Words(Vec<String>);

impl Words {
    /// Those of `text`; `itemNotFound` is three.
    pub fn of(text: &str) -> Words {
        let mut words: Vec<String> = Vec::new();
        let mut word = String::new();
        let mut low = false;
        for c in text.chars() {
            if c.is_alphanumeric() {
                if low && c.is_uppercase() {
                    push(&mut words, &mut word);
                }
                low = c.is_lowercase();
                word.extend(c.to_lowercase());
            } else if c == '\'' {
                low = false;
            } else {
                push(&mut words, &mut word);
                low = false;
                if ".;!?".contains(c) && words.last().is_some_and(|w| w != ".") {
                    words.push(".".to_owned());
                }
            }
            if words.len() >= MAX_WORDS {
                break;
            }
        }
        push(&mut words, &mut word);
        Words(words)
    }

    /// Whether the phrase stands anywhere in it.
    pub fn has(&self, phrase: &str) -> bool {
        let parts: Vec<&str> = phrase.split(' ').collect();
        (0..self.0.len()).any(|at| self.fits(at, &parts))
    }

    fn fits(&self, at: usize, parts: &[&str]) -> bool {
        let Some((first, rest)) = parts.split_first() else { return true };
        if *first == ".." {
            for gap in 0..=GAP {
                if self.fits(at + gap, rest) {
                    return true;
                }
                if self.0.get(at + gap).is_none_or(|w| w == ".") {
                    return false;
                }
            }
            return false;
        }
        let Some(word) = self.0.get(at) else { return false };
        first.split('|').any(|own| match (own.strip_suffix('*'), own.strip_prefix('*')) {
            (Some(start), _) => word.starts_with(start),
            (None, Some(end)) => word.ends_with(end),
            (None, None) => word == own,
        }) && self.fits(at + 1, rest)
    }
}

/// Adds a word: `can't` and `can not` are `cannot`, `doesn't` is `does not`.
fn push(words: &mut Vec<String>, word: &mut String) {
    let word = std::mem::take(word);
    match word.as_str() {
        "" => {}
        "not" if words.last().is_some_and(|w| w == "can") => {
            words.pop();
            words.push("cannot".to_owned());
        }
        "cant" => words.push("cannot".to_owned()),
        "doesnt" | "dont" | "didnt" | "isnt" | "arent" | "wasnt" | "hasnt" | "havent" | "couldnt"
        | "shouldnt" => {
            words.push(word[..word.len() - 2].to_owned());
            words.push("not".to_owned());
        }
        _ => words.push(word),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phrases() {
        let words = Words::of("itemNotFound: the VM's disk, could not be attached. Quota");
        for (phrase, found) in [
            ("not found", true),
            ("disk .. attach*", true),
            ("attached .. quota", false),
            ("vms disk", true),
            ("disk|volume could", true),
            ("found disk", false),
            ("not be", true),
            ("quota", true),
        ] {
            assert_eq!(words.has(phrase), found, "{phrase}");
        }
    }
}
