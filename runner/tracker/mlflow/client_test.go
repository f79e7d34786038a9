package mlflow

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestAuthorization(t *testing.T) {
	var got string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r.Header.Get("Authorization")
		w.WriteHeader(http.StatusForbidden)
	}))
	t.Cleanup(server.Close)
	basic := func(text string) string { return "Basic " + base64.StdEncoding.EncodeToString([]byte(text)) }
	host := strings.TrimPrefix(server.URL, "http://")
	for _, c := range []struct {
		name, address string
		e             Environment
		want, says    string
	}{
		{"nobody", server.URL, Environment{}, "", "see MLFLOW_TRACKING_TOKEN"},
		{"a token", server.URL, Environment{Token: "t"}, "Bearer t", "see MLFLOW_TRACKING_TOKEN"},
		{"a name", server.URL, Environment{Username: "u", Password: "p", Token: "t"}, basic("u:p"), "403 Forbidden"},
		{"in the address", "http://a:b@" + host, Environment{URI: "http://a:b@" + host}, basic("a:b"), "403"},
		{"the variable's server", server.URL + "/x/", Environment{URI: server.URL, Token: "t"}, "Bearer t", "403"},
		{"another server's", server.URL, Environment{URI: "https://elsewhere", Token: "t"}, "", "was not sent"},
	} {
		t.Run(c.name, func(t *testing.T) {
			client, err := New(c.address, c.e)
			if err != nil {
				t.Fatal(err)
			}
			got = "nothing came"
			err = client.Update(t.Context(), "r", Running, time.Time{})
			var r *Refusal
			if got != c.want || !errors.As(err, &r) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("sent %q, want %q; error %v, want one that says %q", got, c.want, err, c.says)
			}
			if strings.Contains(client.Address(), "b@") || strings.Contains(err.Error(), "a:b") {
				t.Errorf("%s tells the password, or %v", client.Address(), err)
			}
		})
	}
}

func TestAnswers(t *testing.T) {
	for _, c := range []struct {
		name, body, header string
		status             int
		busy               bool
		after              time.Duration
		says               string
	}{
		{"busy", "", "7", 503, true, 7 * time.Second, "503 Service Unavailable"},
		{"slow", "", "", 408, true, 0, "408"},
		{"too many", "", "Mon, 02 Jan 2006 15:04:05 GMT", 429, true, 0, "429"},
		{"before now", "", "-3", 429, true, 0, "429"},
		{"bad", `{"error_code": "INVALID_PARAMETER_VALUE", "message": "is\n deleted"}`, "", 400, false, 0, "(is deleted)"},
		{"long", `{"message": "` + strings.Repeat("é", 1000) + `"}`, "", 400, false, 0, strings.Repeat("é", 200) + "…)"},
		{"no server of MLflow", "<html>", "", 200, false, 0, "is that an MLflow server?"},
		{"none at all", "<html>", "", 404, false, 0, "404 Not Found"},
	} {
		t.Run(c.name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Retry-After", c.header)
				w.WriteHeader(c.status)
				_, _ = w.Write([]byte(c.body))
			}))
			t.Cleanup(server.Close)
			client, err := New(server.URL, Environment{})
			if err != nil {
				t.Fatal(err)
			}
			err = client.Update(t.Context(), "r", Failed, time.Unix(1, 0))
			var busy *Busy
			var refusal *Refusal
			if errors.As(err, &busy) != c.busy || errors.As(err, &refusal) == c.busy || err == nil ||
				!strings.Contains(err.Error(), c.says) || busy != nil && busy.After != c.after {
				t.Errorf("error %v", err)
			}
		})
	}
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	if got := retryAfter("Fri, 02 Jan 2026 03:05:05 GMT", now); got != time.Minute {
		t.Errorf("a date in a minute is %v", got)
	}
}

func TestUnreachable(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	address := server.URL
	server.Close()
	client, err := New(address, Environment{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for range 2 { // the second is cancelled
		_, err = client.Experiment(ctx, "x")
		var busy *Busy
		var refusal *Refusal
		if err == nil || errors.As(err, &busy) || errors.As(err, &refusal) || strings.Contains(err.Error(), "/api/") {
			t.Errorf("error %v", err)
		}
		cancel()
	}
}

func TestNames(t *testing.T) {
	for in, want := range map[string]string{
		"evaluation.rotate+blur.knn": "evaluation.rotate-blur.knn", "terms/a b:c_1": "terms/a b:c_1", "größe": "gr--e",
		strings.Repeat("x", 300): strings.Repeat("x", 250),
	} {
		if got := Name(in); got != want {
			t.Errorf("Name(%q) = %q, want %q", in, got, want)
		}
	}
	if got := Value(strings.Repeat("ü", 500)); got != strings.Repeat("ü", 500) {
		t.Errorf("500 letters were cut: %q", got)
	}
}
