package sns

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/spillway/spillway/internal/api/snsapi"
	"github.com/spillway/spillway/internal/catalog"
	"github.com/spillway/spillway/internal/service"
)

// platforms that an application can be of, and whether Spillway sends to them itself.
var platforms = map[string]bool{
	"ADM": false, "APNS": true, "APNS_SANDBOX": true, "APNS_VOIP": true, "APNS_VOIP_SANDBOX": true, "MACOS": true,
	"MACOS_SANDBOX": true, "GCM": true, "BAIDU": false, "MPNS": false, "WNS": false,
}

func pushSupported(platform string) bool { return platforms[platform] }

// Attributes of platform applications and endpoints that the code treats specially.
const (
	attrCredential = "PlatformCredential"
	attrPrincipal  = "PlatformPrincipal"
	attrEnabled    = "Enabled"
	attrToken      = "Token"
	attrUserData   = "CustomUserData"
)

// applicationName names a platform application.
type applicationName struct {
	zone
	platform, app string
}

func (n applicationName) key() string { return n.zone.key() + "/" + n.platform + "/" + n.app }
func (n applicationName) arn() string {
	return "arn:aws:sns:" + n.region + ":" + n.account + ":app/" + n.platform + "/" + n.app
}

// endpointName names an endpoint of one.
type endpointName struct {
	applicationName
	id string // UUID
}

func (n endpointName) key() string { return n.applicationName.key() + "/" + n.id }
func (n endpointName) arn() string {
	return "arn:aws:sns:" + n.region + ":" + n.account + ":endpoint/" + n.platform + "/" + n.app + "/" + n.id
}

// applicationRecord and endpointRecord are what the catalog stores, in JSON.
type applicationRecord struct {
	Attributes map[string]string `json:"attributes"`
}

type endpointRecord struct {
	Attributes map[string]string `json:"attributes"`
}

// application and endpoint never change: a change of the catalog makes new ones.
type application struct {
	applicationName
	applicationRecord
}

type endpoint struct {
	endpointName
	endpointRecord
}

func (e *endpoint) enabled() bool { return e.Attributes[attrEnabled] == "true" }
func (e *endpoint) token() string { return e.Attributes[attrToken] }

// pushRegistry is what is known of them.
type pushRegistry struct {
	applications map[applicationName]*application
	endpoints    map[endpointName]*endpoint
	of           map[applicationName]map[string]*endpoint // endpoints by id
}

func newPushRegistry() pushRegistry {
	return pushRegistry{
		applications: make(map[applicationName]*application), endpoints: make(map[endpointName]*endpoint),
		of: make(map[applicationName]map[string]*endpoint),
	}
}

func parseApplicationKey(key string) (n applicationName, rest string, ok bool) {
	parts := strings.SplitN(key, "/", 5)
	if len(parts) < 4 {
		return n, "", false
	}
	if len(parts) == 5 {
		rest = parts[4]
	}
	return applicationName{zone{parts[0], parts[1]}, parts[2], parts[3]}, rest, true
}

func (s *Service) applicationChanged(key string, value []byte) {
	n, _, ok := parseApplicationKey(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	a := &application{applicationName: n}
	switch {
	case value == nil:
		delete(s.push.applications, n)
	case !ok || json.Unmarshal(value, &a.applicationRecord) != nil:
		s.logger.Error("catalog: malformed platform application", "key", key)
	default:
		s.push.applications[n] = a
	}
}

func (s *Service) endpointChanged(key string, value []byte) {
	app, id, ok := parseApplicationKey(key)
	n := endpointName{app, id}
	s.mu.Lock()
	defer s.mu.Unlock()
	of := s.push.of[app]
	if of == nil {
		of = make(map[string]*endpoint)
		s.push.of[app] = of
	}
	e := &endpoint{endpointName: n}
	switch {
	case value == nil:
		delete(s.push.endpoints, n)
		delete(of, id)
	case !ok || json.Unmarshal(value, &e.endpointRecord) != nil:
		s.logger.Error("catalog: malformed platform endpoint", "key", key)
	default:
		s.push.endpoints[n] = e
		of[id] = e
	}
}

// applicationNamed reads the ARN of a platform application.
func applicationNamed(c *service.Call, text string) (applicationName, error) {
	r, err := readARN(c, "PlatformApplicationArn", text)
	if err != nil {
		return applicationName{}, err
	}
	parts := strings.Split(r.resource, "/")
	if len(parts) != 3 || parts[0] != "app" {
		return applicationName{}, invalid("PlatformApplicationArn Reason: Wrong number of slashes in relative portion of the ARN.")
	}
	return applicationName{zone{r.region, r.account}, parts[1], parts[2]}, nil
}

// endpointNamed reads the ARN of an endpoint.
func endpointNamed(c *service.Call, text string) (endpointName, error) {
	r, err := readARN(c, "EndpointArn", text)
	if err != nil {
		return endpointName{}, err
	}
	parts := strings.Split(r.resource, "/")
	if len(parts) != 4 || parts[0] != "endpoint" {
		return endpointName{}, invalid("EndpointArn Reason: Wrong number of slashes in relative portion of the ARN.")
	}
	return endpointName{applicationName{zone{r.region, r.account}, parts[1], parts[2]}, parts[3]}, nil
}

// parseEndpointARN is endpointNamed without a call.
func parseEndpointARN(text string) (endpointName, bool) {
	p := strings.SplitN(text, ":", 6)
	if len(p) != 6 || p[0] != "arn" || p[2] != "sns" {
		return endpointName{}, false
	}
	parts := strings.Split(p[5], "/")
	if len(parts) != 4 || parts[0] != "endpoint" {
		return endpointName{}, false
	}
	return endpointName{applicationName{zone{p[3], p[4]}, parts[1], parts[2]}, parts[3]}, true
}

func errNoApplication() error {
	return snsapi.NotFoundException.New("PlatformApplication does not exist")
}

func errNoEndpoint() error { return snsapi.NotFoundException.New("Endpoint does not exist") }

func (s *Service) findApplication(n applicationName) (*application, error) {
	return lookUp(s, func() *application {
		s.mu.RLock()
		defer s.mu.RUnlock()
		return s.push.applications[n]
	}, errNoApplication)
}

func (s *Service) findEndpoint(n endpointName) (*endpoint, error) {
	return lookUp(s, func() *endpoint {
		s.mu.RLock()
		defer s.mu.RUnlock()
		return s.push.endpoints[n]
	}, errNoEndpoint)
}

// lookupEndpoint returns an endpoint and its application, nil if they are not there.
func (s *Service) lookupEndpoint(arn string) (*endpoint, *application) {
	n, ok := parseEndpointARN(arn)
	if !ok {
		return nil, nil
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.push.endpoints[n], s.push.applications[n.applicationName]
}

// changeEndpoint changes the attributes of an endpoint that exists.
func (s *Service) changeEndpoint(ctx context.Context, n endpointName, attributes map[string]string) error {
	return engineError(s.catalog.Update(ctx, func(tx *catalog.Tx) error {
		r, ok, err := get[endpointRecord](tx, kindEndpoint, n.key())
		if err != nil {
			return err
		}
		if !ok {
			return errNoEndpoint()
		}
		for k, v := range attributes {
			r.Attributes[k] = v
		}
		return put(tx, kindEndpoint, n.key(), &r)
	}))
}

// disableEndpoint marks an endpoint whose token the platform refused.
func (s *Service) disableEndpoint(ctx context.Context, e *endpoint) {
	if err := s.changeEndpoint(ctx, e.endpointName, map[string]string{attrEnabled: "false"}); err != nil {
		s.logger.Warn("disable a platform endpoint", "endpoint", e.arn(), "error", err)
	}
}

// payloadFor is what a platform gets: its own entry of a structured message, else the
// text in the platform's simplest form.
func payloadFor(platform string, n *notification) string {
	if text, ok := n.Variants[platform]; ok {
		return text
	}
	text := n.textFor("application")
	switch {
	case strings.HasPrefix(platform, "APNS"), strings.HasPrefix(platform, "MACOS"):
		return mustJSON(map[string]any{"aps": map[string]string{"alert": text}})
	case platform == "GCM":
		return mustJSON(map[string]any{"data": map[string]string{"default": text}})
	case platform == "ADM":
		return mustJSON(map[string]any{"data": map[string]string{"message": text}})
	}
	return text
}

// publishToEndpoint is Publish to one endpoint of a mobile app.
func (s *Service) publishToEndpoint(ctx context.Context, c *service.Call, target string, d *draft) (*snsapi.PublishResponse, error) {
	missing := func() error {
		return invalid("TargetArn Reason: No endpoint found for the target arn specified")
	}
	n, ok := parseEndpointARN(target)
	if !ok {
		return nil, missing()
	}
	e, err := s.findEndpoint(n)
	switch {
	case err != nil && err.Error() == errNoEndpoint().Error():
		return nil, missing()
	case err != nil:
		return nil, err
	case !e.enabled():
		return nil, snsapi.EndpointDisabledException.New("Endpoint is disabled")
	}
	return s.publishDirect(ctx, c, "application", target, d)
}
