//! The words of headers, in English and in Chinese.

use super::Column;
use crate::codes;
use crate::table::squeeze;

/// What the words of a header say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    Is(Column),
    /// `Code`, `Return Code`: a status or an error code.
    SomeCode,
    /// Nothing that is known.
    Other,
}

/// What a header says. Exact words first; then what they contain.
pub fn said(title: &str) -> Said {
    let title = words_of(title);
    let is = |list: &[&str]| list.contains(&title.as_str());
    let has = |list: &[&str]| list.iter().any(|w| title.contains(w));
    let word = |list: &[&str]| title.split(' ').any(|t| list.contains(&t));
    if title.is_empty() || title.chars().count() > 60 {
        return Said::Other;
    }
    if is(&[
        "code",
        "codes",
        "return code",
        "return codes",
        "returned code",
        "response code",
        "response codes",
        "result code",
        "retcode",
        "ret code",
        "返回码",
        "返回值",
        "响应码",
        "结果码",
        "编码",
        "代码",
        "code value",
    ]) {
        return Said::SomeCode;
    }
    if has(&["状态码", "状态代码"])
        || (word(&["http", "https", "status"])
            && word(&["code", "codes", "status", "statuscode"])
            && !word(&["error", "errors"]))
        || is(&[
            "status",
            "http",
            "https",
            "http response",
            "状态",
            "statuscode",
            "httpcode",
            "httpstatus",
            "httpstatuscode",
            "http返回码",
            "http响应码",
        ])
        || (word(&["http"]) && word(&["error", "code", "codes", "response", "return"]))
    {
        return Said::Is(Column::Status);
    }
    if has(&[
        "错误码",
        "错误代码",
        "异常码",
        "错误编码",
        "错误编号",
        "错误号",
        "故障码",
        "报错码",
        "异常代码",
        "errcode",
        "errorcode",
    ]) && !has(&["描述", "说明", "信息", "含义", "消息"])
        || (word(&[
            "error",
            "errors",
            "err",
            "exception",
            "fault",
            "failure",
            "sub",
            "service",
            "business",
            "api",
        ]) && word(&["code", "codes", "id", "ids", "number", "no", "no."])
            && !word(&["description", "message", "messages", "information"]))
    {
        return Said::Is(Column::Code);
    }
    if has(&["处理", "解决", "建议", "措施", "修复", "操作"])
        || word(&[
            "solution",
            "solutions",
            "measure",
            "measures",
            "suggestion",
            "suggestions",
            "action",
            "actions",
            "troubleshooting",
            "remedy",
            "remedies",
            "resolution",
            "resolutions",
            "handling",
            "countermeasure",
            "countermeasures",
            "recommendation",
            "recommendations",
            "fix",
            "workaround",
            "procedure",
            "advice",
            "resolve",
            "mitigation",
            "todo",
            "response",
            "recommended",
            "suggested",
        ]) && !has(&["error response", "response message", "response body"])
        || has(&["what to do", "how to"])
    {
        return Said::Is(Column::Solution);
    }
    if has(&[
        "错误信息",
        "错误消息",
        "错误提示",
        "提示信息",
        "返回信息",
        "报错信息",
        "异常信息",
        "消息",
        "返回消息",
        "提示",
        "报错",
        "信息",
    ]) || word(&[
        "message",
        "messages",
        "msg",
        "msgs",
        "information",
        "info",
        "errormessage",
        "errormsg",
        "error_msg",
        "errmsg",
        "error_message",
        "text",
        "prompt",
    ]) || is(&[
        "error",
        "errors",
        "error name",
        "error cause",
        "error name and message",
        "错误",
        "错误名称",
        "error text",
        "error string",
        "error content",
        "error details",
    ]) {
        return Said::Is(Column::Message);
    }
    if has(&["描述", "说明", "含义", "原因", "解释", "详情", "备注"])
        || word(&[
            "description",
            "descriptions",
            "meaning",
            "meanings",
            "cause",
            "causes",
            "explanation",
            "explanations",
            "reason",
            "reasons",
            "detail",
            "details",
            "note",
            "notes",
            "remark",
            "remarks",
            "desc",
            "definition",
            "scenario",
            "scenarios",
            "comment",
            "comments",
        ])
    {
        return Said::Is(Column::Description);
    }
    if has(&["模块", "分类", "类别", "类型", "服务", "接口"])
        || word(&[
            "module",
            "modules",
            "category",
            "categories",
            "type",
            "types",
            "service",
            "services",
            "api",
            "apis",
            "class",
            "group",
            "interface",
            "component",
            "function",
            "level",
            "product",
            "object",
            "operation",
        ])
    {
        return Said::Is(Column::Group);
    }
    Said::Other
}

/// A title in lower case, hyphens and line ends as blanks, what is in brackets left out.
fn words_of(title: &str) -> String {
    let mut out = String::new();
    let mut depth = 0;
    for c in codes::narrow(title).chars() {
        match c {
            '(' | '[' => depth += 1,
            ')' | ']' => depth = i32::max(0, depth - 1),
            _ if depth > 0 => {}
            '-' | '_' | '/' | '*' | ':' | '`' | '#' | ',' | '"' => out.push(' '),
            c => out.extend(c.to_lowercase()),
        }
    }
    let out = squeeze(&out.replace('：', " "));
    if out.is_empty() && !title.is_empty() { squeeze(&title.to_lowercase()) } else { out }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Column::{Code, Description, Group, Message, Solution, Status};

    #[test]
    fn titles_in_two_languages() {
        for (titles, kind) in [
            (
                &[
                    "Status Code",
                    "HTTP Status Code",
                    "HTTP code",
                    "Status",
                    "状态码",
                    "HTTP状态码",
                    "Response Status Code",
                    "HTTP Return Code",
                ][..],
                Status,
            ),
            (
                &[
                    "Error Code",
                    "Error Codes",
                    "error_code",
                    "ErrorCode",
                    "API Error Code",
                    "错误码",
                    "错误代码",
                    "Error ID",
                    "Service Error Code",
                    "Error code (string)",
                ],
                Code,
            ),
            (
                &[
                    "Error Message",
                    "Message",
                    "Error Information",
                    "Error",
                    "错误信息",
                    "提示信息",
                    "Returned Message",
                    "Error Msg",
                ],
                Message,
            ),
            (
                &[
                    "Description",
                    "Error Description",
                    "Meaning",
                    "Possible Causes",
                    "描述",
                    "说明",
                    "错误码描述",
                    "错误原因",
                    "Error Code Description",
                ],
                Description,
            ),
            (
                &[
                    "Solution",
                    "Handling Measure",
                    "Measure",
                    "Troubleshooting",
                    "Suggested Action",
                    "处理措施",
                    "解决方案",
                    "Recommended Actions",
                ],
                Solution,
            ),
            (&["Module", "Category", "模块", "Type"], Group),
        ] {
            for title in titles {
                assert_eq!(said(title), Said::Is(kind), "{title}");
            }
        }
        for title in ["Code", "Return Code", "返回码"] {
            assert_eq!(said(title), Said::SomeCode, "{title}");
        }
        for title in ["Parameter", "Mandatory", "Name", ""] {
            assert_eq!(said(title), Said::Other, "{title}");
        }
    }
}
