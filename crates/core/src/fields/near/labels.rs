//! What Chinese prose says of an error: `错误码：CODE，错误信息：TEXT，请求ID：ID。`, a colon of either
//! width behind a name.

use std::ops::Range;

use memchr::memmem;

/// Names of the message of an error.
pub const MESSAGE: &[&str] =
    &["错误信息", "错误消息", "错误描述", "错误原因", "错误详情", "报错信息", "返回信息", "提示信息"];

/// Names of the request.
pub const REQUEST: &[&str] = &["请求ID", "请求Id", "请求id", "请求编号"];

/// Longest value.
const MAX_BYTES: usize = 1024;

/// What ends a value, besides quotes and lines.
const ENDS: [&str; 4] = ["，", "。", "；", "）"];

/// The value behind one of `names`: the first behind `code`, else the last before it.
pub fn find(text: &[u8], names: &[&str], code: usize) -> Option<Range<usize>> {
    if text.is_ascii() {
        return None;
    }
    let values = || names.iter().flat_map(|name| of(text, name));
    values().filter(|value| value.start > code).min_by_key(|value| value.start).or_else(|| {
        let before = values().filter(|value| value.end <= code);
        before.max_by_key(|value| value.start)
    })
}

fn of<'t>(text: &'t [u8], name: &'t str) -> impl Iterator<Item = Range<usize>> + 't {
    memmem::find_iter(text, name.as_bytes()).filter_map(move |at| {
        let behind = at + name.len();
        let sign = match text.get(behind..)? {
            [b':', ..] => 1,
            rest if rest.starts_with("：".as_bytes()) => "：".len(),
            _ => return None,
        };
        let rest = text.get(behind + sign..)?;
        let start = behind + sign + rest.iter().take_while(|b| **b == b' ').count();
        let rest = &text[start..text.len().min(start + MAX_BYTES)];
        let plain = memchr::memchr3(b'"', b'\n', b'\\', rest).unwrap_or(rest.len());
        let comma = memchr::memchr2(b',', b';', rest).unwrap_or(rest.len());
        let wide = ENDS.iter().filter_map(|end| memmem::find(rest, end.as_bytes())).min();
        let end = plain.min(comma).min(wide.unwrap_or(rest.len()));
        let value = rest[..end].trim_ascii_end();
        (!value.is_empty()).then_some(start..start + value.len())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found<'t>(text: &'t str, names: &[&str]) -> Option<&'t str> {
        let code = text.find("CSS.0069").expect("the code");
        find(text.as_bytes(), names, code).map(|range| &text[range])
    }

    #[test]
    fn values_end_with_what_parts_them() {
        let text = "错误码：CSS.0069，错误信息：磁盘已售罄，请求ID：2a30。下一句";
        assert_eq!(found(text, MESSAGE), Some("磁盘已售罄"));
        assert_eq!(found(text, REQUEST), Some("2a30"));
        assert_eq!(found("错误信息: disk sold out, CSS.0069", MESSAGE), Some("disk sold out"));
        assert_eq!(found("\"错误描述:售罄\" CSS.0069 错误描述 ：", MESSAGE), Some("售罄"));
        assert_eq!(found("CSS.0069 错误信息：", MESSAGE), None);
        assert_eq!(found("CSS.0069 错误信息如下", MESSAGE), None);
    }
}
