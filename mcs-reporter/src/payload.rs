//! Data of events under the names that every reporter uses for it. Other fields go beside them; any other type that
//! serialises to an object is fine too.

use serde::Serialize;
use serde_json::{Map, Value};

/// What a call asks for.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct RequestData {
    /// Who calls.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    /// What kind of call it is, such as `tools/call`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_type: Option<String>,
    /// Bytes of the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input_size: Option<u64>,
    /// Its arguments.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub parameters: Map<String, Value>,
    /// What the process takes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub performance_metrics: Option<PerformanceMetrics>,
    /// Fields beside these.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// How far a call is.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct ProgressData {
    /// Done, of `total` or of 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub progress: Option<f64>,
    /// All there is to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total: Option<f64>,
    /// What it is doing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// What the process takes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub performance_metrics: Option<PerformanceMetrics>,
    /// Fields beside these.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// How a call ended well.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ResultData {
    /// Whether it did what was asked.
    pub success: bool,
    /// Bytes of the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_size: Option<u64>,
    /// Seconds it took.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub processing_time: Option<f64>,
    /// How good the answer is, by whatever measure the server has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quality_score: Option<f64>,
    /// What did the work.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub adapter_used: Option<String>,
    /// What the process took.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub performance_metrics: Option<PerformanceMetrics>,
    /// Fields beside these.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl Default for ResultData {
    fn default() -> Self {
        Self {
            success: true,
            output_size: None,
            processing_time: None,
            quality_score: None,
            adapter_used: None,
            performance_metrics: None,
            other: Map::new(),
        }
    }
}

/// How a call failed.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct ErrorData {
    /// What kind of error it is, such as `tool_error` or the name of a type.
    pub error_type: String,
    /// What happened, for a reader.
    pub error_message: String,
    /// A code that programs know, a number or a text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_code: Option<Value>,
    /// Seconds it took.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub processing_time: Option<f64>,
    /// What the process took.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub performance_metrics: Option<PerformanceMetrics>,
    /// Fields beside these.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl ErrorData {
    /// An error of a type, with what happened.
    pub fn new(error_type: impl Into<String>, error_message: impl Into<String>) -> Self {
        Self {
            error_type: error_type.into(),
            error_message: error_message.into(),
            ..Self::default()
        }
    }
}

/// What a call took of the process that served it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct PerformanceMetrics {
    /// Seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub processing_time: Option<f64>,
    /// By how many megabytes (2^20 bytes) the memory of the process changed meanwhile.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_usage_mb: Option<f64>,
    /// Percent of one core that the process used meanwhile.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu_usage_percent: Option<f64>,
    /// When it was measured, in seconds since the Unix epoch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<f64>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn names_are_those_that_every_reporter_uses() {
        let request = RequestData {
            user_id: Some("u1".into()),
            request_type: Some("tools/call".into()),
            input_size: Some(12),
            parameters: Map::from_iter([("a".into(), json!(1))]),
            other: Map::from_iter([("tool".into(), json!("echo"))]),
            ..RequestData::default()
        };
        assert_eq!(
            serde_json::to_value(request).unwrap(),
            json!({"user_id": "u1", "request_type": "tools/call", "input_size": 12, "parameters": {"a": 1}, "tool": "echo"})
        );
        let result = ResultData {
            output_size: Some(3),
            processing_time: Some(0.5),
            quality_score: Some(1.0),
            adapter_used: Some("base".into()),
            ..ResultData::default()
        };
        assert_eq!(
            serde_json::to_value(result).unwrap(),
            json!({"success": true, "output_size": 3, "processing_time": 0.5, "quality_score": 1.0, "adapter_used": "base"})
        );
        let error = ErrorData {
            error_code: Some(json!(7)),
            performance_metrics: Some(PerformanceMetrics {
                memory_usage_mb: Some(-1.5),
                ..PerformanceMetrics::default()
            }),
            ..ErrorData::new("ValueError", "no")
        };
        assert_eq!(
            serde_json::to_value(error).unwrap(),
            json!({"error_type": "ValueError", "error_message": "no", "error_code": 7, "performance_metrics": {"memory_usage_mb": -1.5}})
        );
    }

    #[test]
    fn what_is_not_known_is_not_said() {
        assert_eq!(
            serde_json::to_value(RequestData::default()).unwrap(),
            json!({})
        );
        assert_eq!(
            serde_json::to_value(ProgressData::default()).unwrap(),
            json!({})
        );
        assert_eq!(
            serde_json::to_value(ResultData::default()).unwrap(),
            json!({"success": true})
        );
    }
}
