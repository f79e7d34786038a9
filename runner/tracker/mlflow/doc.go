// Package mlflow tells an MLflow server of runs, over its REST API 2.0.
//
// An answer that says that something is wrong with what was asked, or with who asks, is final: a [Refusal]. What else
// goes wrong (no connection, an answer that doesn't come, 408, 429, 500 and more) may be tried again. Requests that
// were sent twice do no harm where the same metrics have the same times: the server keeps one of equal points.
//
// Names and tokens are sent in the header Authorization, to the server's own host only.
package mlflow
