//! What else speaks for a category beside phrases: Chinese words, the status, a reason that is cut
//! off; and what speaks for trying again.

use super::phrase::Words;
use super::rules::{
    AUTHENTICATION, BILLING, CAPACITY, CONFLICT, DEPENDENCY, INTERNAL, INVALID, NOT_FOUND, PERMISSION, QUOTA,
    STATE, THROTTLING, TIMEOUT,
};

/// The same in Chinese: any of these, once.
pub const CHINESE: &[(&[&str], usize, f64)] = &[
    (
        &[
            "配额不足",
            "超过配额",
            "超出配额",
            "超过了配额",
            "配额已满",
            "超过最大数量",
            "数量超过",
            "数量超出",
            "达到上限",
            "已达上限",
            "超过上限",
        ],
        QUOTA,
        3.6,
    ),
    (&["配额"], QUOTA, 1.2),
    (&["流控", "限流", "请求过于频繁", "过于频繁", "请求太频繁", "流量控制"], THROTTLING, 4.0),
    (&["售罄", "资源不足", "容量不足", "库存不足", "没有可用", "无可用"], CAPACITY, 3.6),
    (&["认证失败", "鉴权失败", "token", "Token", "签名", "未登录"], AUTHENTICATION, 2.4),
    (&["没有权限", "无权限", "权限不足", "无权", "未授权", "禁止访问", "权限"], PERMISSION, 3.0),
    (&["欠费", "余额不足", "账户冻结", "账号冻结"], BILLING, 5.0),
    (
        &[
            "参数",
            "非法",
            "无效",
            "不合法",
            "不正确",
            "有误",
            "格式",
            "为空",
            "必须",
            "不支持",
            "不匹配",
            "不符合",
            "超出范围",
            "长度",
        ],
        INVALID,
        2.4,
    ),
    (&["不存在", "未找到", "找不到", "已被删除"], NOT_FOUND, 3.6),
    (&["已存在", "已经存在", "重复", "冲突", "重名", "已被使用", "被占用"], CONFLICT, 3.6),
    (&["状态", "正在", "进行中", "正在使用", "未就绪", "不允许"], STATE, 2.4),
    (&["调用", "依赖", "连接失败", "查询失败", "获取失败"], DEPENDENCY, 1.8),
    (&["超时"], TIMEOUT, 4.0),
    (
        &["内部错误", "系统错误", "服务器错误", "系统异常", "服务异常", "未知错误", "系统繁忙", "数据库"],
        INTERNAL,
        3.4,
    ),
    (&["失败"], INTERNAL, 1.2),
];

/// What a status says by itself.
pub fn by_status(statuses: &[u16]) -> Vec<(usize, f64)> {
    let Some(status) = statuses.first() else { return vec![(INVALID, 0.3), (INTERNAL, 0.2)] };
    match status {
        400 => vec![(INVALID, 0.9)],
        401 => vec![(AUTHENTICATION, 2.2), (PERMISSION, 0.8)],
        402 => vec![(BILLING, 3.0)],
        403 => vec![(PERMISSION, 1.6), (QUOTA, 0.4), (STATE, 0.2)],
        404 => vec![(NOT_FOUND, 2.4)],
        405 | 406 | 411 | 413..=415 | 422 => vec![(INVALID, 1.4)],
        408 | 504 => vec![(TIMEOUT, 2.0)],
        409 => vec![(CONFLICT, 1.4), (STATE, 1.2)],
        410 => vec![(NOT_FOUND, 1.6)],
        412 | 423 => vec![(STATE, 1.4), (CONFLICT, 0.6)],
        429 => vec![(THROTTLING, 3.0)],
        500 => vec![(INTERNAL, 1.4), (DEPENDENCY, 1.2)],
        502 => vec![(DEPENDENCY, 2.0), (INTERNAL, 1.0)],
        501 => vec![(INVALID, 1.2), (INTERNAL, 0.8)],
        503 => vec![(INTERNAL, 1.4), (DEPENDENCY, 1.0), (THROTTLING, 0.4)],
        505..=599 => vec![(INTERNAL, 1.4)],
        400..=499 => vec![(INVALID, 0.9)],
        _ => vec![(INVALID, 0.3)],
    }
}

/// Whether a failure ends in a reason that the page has cut off: `failed: %s`.
/// What is behind it comes from somewhere else.
pub fn has_cut_reason(words: &Words, text: &str) -> bool {
    let end = text.trim_end_matches(|c: char| c.is_whitespace() || ".!]".contains(c));
    let cut =
        ["%s", "%d", "{0}", "{1}", "{2}", "{reason}", "xxx", "XXX"].iter().find_map(|p| end.strip_suffix(p));
    let told = cut.is_some_and(|head| {
        let head = head.trim_end_matches(|c: char| c.is_whitespace() || "[<({".contains(c)).to_lowercase();
        head.ends_with([':', '：', ','])
            || ["because", "because of", "reason is", "reason", "cause"].iter().any(|w| head.ends_with(w))
    });
    told && words.has("fail*|error|err|unable")
}

/// How much speaks for trying again.
pub fn retry(words: &Words, text: &str) -> f64 {
    const FOR: [&str; 9] = [
        "try again",
        "retry",
        "later",
        "in progress",
        "being",
        "busy",
        "processing|executing|concurrent|concurrently",
        "is|are|already locked",
        "another|other .. task|operation|request|job",
    ];
    const AGAINST: [&str; 6] = [
        "version",
        "frozen",
        "rollback|rolled",
        "used by|in use",
        "deleted|delete .. first",
        "already exist*",
    ];
    let count = |list: &[&str]| list.iter().filter(|p| words.has(p)).count() as f64;
    let chinese = f64::from(u8::from(["稍后", "重试", "正在", "进行中"].iter().any(|p| text.contains(p))));
    count(&FOR) + chinese - count(&AGAINST)
}

/// Whether the same request can succeed later, with `score` from [`retry`].
pub fn retryable(category: &str, score: f64) -> bool {
    match category {
        "throttling" | "timeout" | "dependency" => true,
        "internal" => score > -0.9,
        "state" | "conflict" => score > 0.5,
        _ => false,
    }
}
