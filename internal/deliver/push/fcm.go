package push

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spillway/spillway/internal/deliver"
)

const (
	fcmScope   = "https://www.googleapis.com/auth/firebase.messaging"
	grantType  = "urn:ietf:params:oauth:grant-type:jwt-bearer" // RFC 7523
	tokenSlack = time.Minute                                   // a token is not used in its last minute
)

var (
	errServiceAccount = errors.New("push: the platform application's credential is not a service account")
	errAccessToken    = errors.New("push: the token endpoint gave no token")
)

// serviceAccount is what Firebase's console exports.
type serviceAccount struct {
	ProjectID    string `json:"project_id"`
	PrivateKeyID string `json:"private_key_id"`
	PrivateKey   string `json:"private_key"`
	ClientEmail  string `json:"client_email"`
}

// sendFCM posts to FCM's HTTP v1 API.
//
// Source: Firebase, "projects.messages.send" and "FCM error codes".
func (s *Sender) sendFCM(ctx context.Context, t Target, payload string, attributes map[string]string) Result {
	account, err := parseAccount(t.Credentials["PlatformCredential"])
	if err != nil {
		return failed(err, true)
	}
	body, err := fcmRequest(t.Token, payload, attributes)
	if err != nil {
		return failed(err, true)
	}
	id := digestOf("FCM", account.ClientEmail, account.PrivateKeyID, account.PrivateKey)
	bearer, fresh, err := s.tokens.get(ctx, id, func(ctx context.Context) (string, time.Time, error) { return s.fetchToken(ctx, account) })
	if err != nil {
		var refusal *tokenRefusal
		if errors.As(err, &refusal) {
			return Result{Outcome: refusal.outcome}
		}
		return failed(err, ctx.Err() == nil)
	}
	a := deliver.Post(ctx, s.plain, deliver.Request{
		URL: s.options.FCMURL + "/v1/projects/" + url.PathEscape(account.ProjectID) + "/messages:send",
		Header: http.Header{
			"Authorization": {"Bearer " + bearer},
			"Content-Type":  {"application/json; charset=utf-8"},
			"User-Agent":    {"spillway"},
		},
		Body: body,
	}, maxAnswer, s.options.Timeout)
	r := Result{Outcome: a.Outcome}
	if a.Err == nil {
		return r
	}
	var thirdParty bool
	r.Gone, thirdParty = fcmError(a.Body)
	if a.Status == http.StatusUnauthorized && !thirdParty {
		s.tokens.drop(id, bearer)
		r.Permanent = fresh
	}
	return r
}

func parseAccount(credential string) (*serviceAccount, error) {
	a := new(serviceAccount)
	err := json.Unmarshal([]byte(credential), a) // it may quote the key
	if err != nil || a.ProjectID == "" || a.PrivateKey == "" || a.ClientEmail == "" {
		return nil, errServiceAccount
	}
	return a, nil
}

// tokenRefusal is an error of the token endpoint.
type tokenRefusal struct{ outcome deliver.Outcome }

func (r *tokenRefusal) Error() string { return "push: no access token: " + r.outcome.Err.Error() }

// fetchToken gets an access token for a service account.
//
// Source: Google, "Using OAuth 2.0 for Server to Server Applications".
func (s *Sender) fetchToken(ctx context.Context, account *serviceAccount) (string, time.Time, error) {
	key, err := parseKey(account.PrivateKey)
	if err != nil {
		return "", time.Time{}, err
	}
	now := time.Now()
	assertion, err := signJWT(key,
		map[string]any{"typ": "JWT", "kid": account.PrivateKeyID},
		map[string]any{
			"iss": account.ClientEmail, "scope": fcmScope, "aud": s.options.TokenURL,
			"iat": now.Unix(), "exp": now.Add(time.Hour).Unix(),
		})
	if err != nil {
		return "", time.Time{}, err
	}
	a := deliver.Post(ctx, s.plain, deliver.Request{
		URL:    s.options.TokenURL,
		Header: http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, "User-Agent": {"spillway"}},
		Body:   []byte(url.Values{"grant_type": {grantType}, "assertion": {assertion}}.Encode()),
	}, maxAnswer, s.options.Timeout)
	if a.Err != nil {
		r := &tokenRefusal{outcome: a.Outcome}
		r.outcome.Err = errors.New(r.Error())
		return "", time.Time{}, r
	}
	var answer struct {
		AccessToken string `json:"access_token"`
		ExpiresIn   int64  `json:"expires_in"`
	}
	if err := json.Unmarshal(a.Body, &answer); err != nil || answer.AccessToken == "" {
		return "", time.Time{}, &tokenRefusal{outcome: deliver.Fail(errAccessToken, false)}
	}
	return answer.AccessToken, now.Add(time.Duration(answer.ExpiresIn)*time.Second - tokenSlack), nil
}

// fcmError reads an error: whether it is about the device's token, and whether
// about Firebase's own credentials with Apple.
func fcmError(body []byte) (gone, thirdParty bool) {
	var answer struct {
		Error struct {
			Message string `json:"message"`
			Details []struct {
				ErrorCode       string `json:"errorCode"` // of an FcmError
				FieldViolations []struct {
					Field string `json:"field"`
				} `json:"fieldViolations"`
			} `json:"details"`
		} `json:"error"`
	}
	if json.Unmarshal(body, &answer) != nil {
		return false, false
	}
	var codes, fields []string
	for _, d := range answer.Error.Details {
		codes = append(codes, d.ErrorCode)
		for _, v := range d.FieldViolations {
			fields = append(fields, v.Field)
		}
	}
	has := func(code string) bool { return slices.Contains(codes, code) }
	invalid := has("INVALID_ARGUMENT") && strings.Contains(answer.Error.Message, "registration token")
	gone = has("UNREGISTERED") || has("SENDER_ID_MISMATCH") || invalid || slices.Contains(fields, "message.token")
	return gone, has("THIRD_PARTY_AUTH_ERROR")
}

// fcmTTL is a TTL attribute in FCM's form; "" without one.
func fcmTTL(attributes map[string]string) (string, error) {
	ttl, ok := attribute(attributes, "FCM.TTL", "GCM.TTL")
	if !ok {
		return "", nil
	}
	seconds, err := strconv.ParseUint(ttl, 10, 31)
	if err != nil {
		return "", errTTL
	}
	return strconv.FormatUint(seconds, 10) + "s", nil
}
