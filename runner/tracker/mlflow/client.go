package mlflow

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"ordo/models/fault"
)

// Environment is what the variables MLFLOW_… say.
type Environment struct {
	URI                string // MLFLOW_TRACKING_URI
	Token              string // MLFLOW_TRACKING_TOKEN
	Username, Password string // MLFLOW_TRACKING_USERNAME, MLFLOW_TRACKING_PASSWORD
}

// Client talks to a server.
type Client struct {
	address  string // without a slash at the end, a name or a password
	user     *url.Userinfo
	e        Environment
	client   *http.Client
	withheld bool // the environment's names and tokens, as they are for another server
}

// requestTime is how long a server may think about a request.
const requestTime = 30 * time.Second

// New gives a client of the server at an address. Where MLFLOW_TRACKING_URI names another host, the environment's names
// and tokens are that one's, and are not sent.
func New(address string, e Environment) (*Client, error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, fault.New(fault.Config, "MLflow's address must begin with http:// or https://")
	}
	c := &Client{user: u.User, e: e, client: &http.Client{Timeout: requestTime}}
	if own, err := url.Parse(e.URI); err == nil && own.Host != "" && own.Host != u.Host {
		c.withheld = e.Token != "" || e.Username != ""
		c.e = Environment{}
	}
	u.User, u.RawQuery, u.Fragment = nil, "", ""
	c.address = strings.TrimRight(u.String(), "/")
	return c, nil
}

// Address is the server's, without a name and a password.
func (c *Client) Address() string { return c.address }

// Refusal is an answer that another try would not change.
type Refusal struct {
	Status  int    // of HTTP
	Code    string // of MLflow, such as RESOURCE_DOES_NOT_EXIST; "": none
	Message string
	do      string
}

// Error says what the server said.
func (r *Refusal) Error() string {
	text := fmt.Sprintf("it answers %d %s", r.Status, http.StatusText(r.Status))
	if r.Message != "" {
		text += " (" + r.Message + ")"
	}
	if r.do != "" {
		text += ": " + r.do
	}
	return text
}

// Busy is an answer that asks for another try.
type Busy struct {
	Status int
	After  time.Duration // that the server asks to wait; 0: it doesn't say
}

// Error says what the server said.
func (b *Busy) Error() string {
	return fmt.Sprintf("it answers %d %s", b.Status, http.StatusText(b.Status))
}

const (
	maxAnswer  = 4 << 20 // bytes of an answer that are read
	maxMessage = 200     // letters of its message that are said
)

// call asks the server and reads its answer into out.
func (c *Client) call(ctx context.Context, method, path string, in, out any) error {
	var body io.Reader
	if in != nil {
		text, err := json.Marshal(in)
		if err != nil {
			return fmt.Errorf("mlflow: %w", err)
		}
		body = bytes.NewReader(text)
	}
	request, err := http.NewRequestWithContext(ctx, method, c.address+"/api/2.0/mlflow/"+path, body)
	if err != nil {
		return fmt.Errorf("mlflow: %w", err)
	}
	request.Header.Set("Content-Type", "application/json")
	c.authorize(request)
	answer, err := c.client.Do(request)
	if err != nil {
		var of *url.Error
		if errors.As(err, &of) {
			err = of.Err // the address is said elsewhere
		}
		return fmt.Errorf("it can't be reached: %w", err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("its answer broke off: %w", err)
	}
	if answer.StatusCode != http.StatusOK {
		return c.wrong(answer, text)
	}
	if err := json.Unmarshal(text, out); err != nil {
		return &Refusal{Status: answer.StatusCode, Message: "and no JSON", do: "is that an MLflow server?"}
	}
	return nil
}

func (c *Client) authorize(r *http.Request) {
	password, _ := c.user.Password()
	switch {
	case c.user.Username() != "":
		r.SetBasicAuth(c.user.Username(), password)
	case c.e.Username != "":
		r.SetBasicAuth(c.e.Username, c.e.Password)
	case c.e.Token != "":
		r.Header.Set("Authorization", "Bearer "+c.e.Token)
	}
}

// wrong is the error of an answer.
func (c *Client) wrong(answer *http.Response, text []byte) error {
	status := answer.StatusCode
	if status >= 500 || status == http.StatusTooManyRequests || status == http.StatusRequestTimeout {
		return &Busy{Status: status, After: retryAfter(answer.Header.Get("Retry-After"), time.Now())}
	}
	r := &Refusal{Status: status}
	var said struct {
		Code    string `json:"error_code"`
		Message string `json:"message"`
	}
	if json.Unmarshal(text, &said) == nil {
		r.Code = said.Code
		r.Message = strings.Join(strings.Fields(said.Message), " ")
		if letters := []rune(r.Message); len(letters) > maxMessage {
			r.Message = string(letters[:maxMessage]) + "…"
		}
	}
	switch {
	case status != http.StatusUnauthorized && status != http.StatusForbidden:
	case c.withheld:
		r.do = "MLFLOW_TRACKING_URI names another host, so that its token was not sent"
	default:
		r.do = "see MLFLOW_TRACKING_TOKEN, or MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD"
	}
	return r
}

// retryAfter reads the header of that name: seconds, or a date.
func retryAfter(text string, now time.Time) time.Duration {
	if seconds, err := strconv.Atoi(text); err == nil {
		return time.Duration(max(0, seconds)) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(0, at.Sub(now))
	}
	return 0
}

// refused says whether an error is a refusal with that code.
func refused(err error, code string) bool {
	var r *Refusal
	return errors.As(err, &r) && r.Code == code
}

// Codes of MLflow.
const (
	codeMissing = "RESOURCE_DOES_NOT_EXIST"
	codeExists  = "RESOURCE_ALREADY_EXISTS"
)

// Missing says whether an error is that the server doesn't know what was named.
func Missing(err error) bool { return refused(err, codeMissing) }

// Metric is a point of a curve.
type Metric struct {
	Key       string  `json:"key"`
	Value     float64 `json:"value"`
	Timestamp int64   `json:"timestamp"` // milliseconds since 1970
	Step      int     `json:"step"`
}

// Text is a parameter or a tag.
type Text struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

// How many of a kind a request can have.
const (
	MaxMetrics = 1000
	MaxParams  = 100
)

// Statuses of a run.
const (
	Running  = "RUNNING"
	Finished = "FINISHED"
	Failed   = "FAILED"
	Killed   = "KILLED"
)

// Experiment gives the id of the experiment of that name, which is made if need be.
func (c *Client) Experiment(ctx context.Context, name string) (string, error) {
	find := func() (string, error) {
		var found struct {
			Experiment struct {
				ID string `json:"experiment_id"`
			} `json:"experiment"`
		}
		path := "experiments/get-by-name?experiment_name=" + url.QueryEscape(name)
		err := c.call(ctx, http.MethodGet, path, nil, &found)
		return found.Experiment.ID, err
	}
	id, err := find()
	if !Missing(err) {
		return id, err
	}
	var made struct {
		ID string `json:"experiment_id"`
	}
	err = c.call(ctx, http.MethodPost, "experiments/create", map[string]string{"name": name}, &made)
	if refused(err, codeExists) { // another run was faster
		return find()
	}
	return made.ID, err
}

// run is a run as the server describes it.
type run struct {
	Info struct {
		ID string `json:"run_id"`
	} `json:"info"`
}

// KeyTag is the tag by which Run finds a run again.
const KeyTag = "ordo.key"

// NewRun says which run is made.
type NewRun struct {
	Experiment string // its id
	Name       string
	Key        string // names the run where the answer to an earlier request was lost
	Began      time.Time
	Tags       []Text
}

// Run gives the id of the run with a key, which is made if there is none.
func (c *Client) Run(ctx context.Context, n NewRun) (string, error) {
	var found struct {
		Runs []run `json:"runs"`
	}
	err := c.call(ctx, http.MethodPost, "runs/search", map[string]any{
		"experiment_ids": []string{n.Experiment}, "max_results": 1,
		"filter": fmt.Sprintf("tags.`%s` = '%s'", KeyTag, n.Key),
	}, &found)
	if err != nil {
		return "", err
	}
	if len(found.Runs) > 0 {
		return found.Runs[0].Info.ID, nil
	}
	var made struct {
		Run run `json:"run"`
	}
	err = c.call(ctx, http.MethodPost, "runs/create", map[string]any{
		"experiment_id": n.Experiment, "run_name": n.Name, "start_time": n.Began.UnixMilli(),
		"tags": append(slices.Clone(n.Tags), Text{KeyTag, n.Key}),
	}, &made)
	if err == nil && made.Run.Info.ID == "" {
		err = &Refusal{Status: http.StatusOK, Message: "and no run", do: "is that an MLflow server?"}
	}
	return made.Run.Info.ID, err
}

// Batch is what Log adds to a run.
type Batch struct {
	Metrics []Metric
	Params  []Text
	Tags    []Text
}

// Log adds metrics, at most MaxMetrics, parameters, at most MaxParams, and tags to a run.
func (c *Client) Log(ctx context.Context, id string, b Batch) error {
	in := map[string]any{"run_id": id} // null is no list there
	if len(b.Metrics) > 0 {
		in["metrics"] = b.Metrics
	}
	if len(b.Params) > 0 {
		in["params"] = b.Params
	}
	if len(b.Tags) > 0 {
		in["tags"] = b.Tags
	}
	return c.call(ctx, http.MethodPost, "runs/log-batch", in, &struct{}{})
}

// Update gives a run a status, and, unless it is Running, the time of its end.
func (c *Client) Update(ctx context.Context, id, status string, ended time.Time) error {
	in := map[string]any{"run_id": id, "status": status}
	if status != Running {
		in["end_time"] = ended.UnixMilli()
	}
	return c.call(ctx, http.MethodPost, "runs/update", in, &struct{}{})
}

// badLetter puts a dash in the place of a letter that names in MLflow must not have.
func badLetter(r rune) rune {
	switch {
	case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', strings.ContainsRune("_-.:/ ", r):
		return r
	}
	return '-'
}

const (
	maxName  = 250
	maxValue = 500
)

// Name makes a name that MLflow takes: other letters than a-z, A-Z, 0-9 and _-.:/ become -, as in rotate-blur.
func Name(name string) string { return cut(strings.Map(badLetter, name), maxName, "") }

// Value makes a value that MLflow takes: what is too long is cut, and ends in ….
func Value(value string) string { return cut(value, maxValue, "…") }

// cut cuts a text that has more than n letters.
func cut(text string, n int, end string) string {
	letters := []rune(text)
	if len(letters) <= n {
		return text
	}
	return string(letters[:n-len([]rune(end))]) + end
}
