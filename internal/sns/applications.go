package sns

import (
	"maps"
	"slices"
	"strings"

	"github.com/spillway/spillway/internal/smithy"
)

// applicationAttributes can be set; the credentials are never shown.
var applicationAttributes = map[string]bool{
	attrCredential: true, attrPrincipal: true, "EventEndpointCreated": true, "EventEndpointDeleted": true,
	"EventEndpointUpdated": true, "EventDeliveryFailure": true, "SuccessFeedbackRoleArn": true, "FailureFeedbackRoleArn": true,
	"SuccessFeedbackSampleRate": true, "ApplePlatformTeamID": true, "ApplePlatformBundleID": true, attrEnabled: true,
	"AuthenticationMethod": true,
}

// secretAttributes are never shown.
var secretAttributes = map[string]bool{attrCredential: true, attrPrincipal: true}

func checkApplicationName(s string) error {
	switch {
	case s == "":
		return invalid("%s Reason: cannot be empty", s)
	case strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.") != "":
		return invalid("%s Reason: must contain only characters 'a'-'z', 'A'-'Z', '0'-'9', '_', '-', and '.'", s)
	case len(s) > 256:
		return invalid("%s Reason: must be at most 256 characters long", s)
	}
	return nil
}

func checkApplicationAttributes(given map[string]string) error {
	if len(given) == 0 {
		return errNull("attributes")
	}
	for _, attribute := range slices.Sorted(maps.Keys(given)) {
		if !applicationAttributes[attribute] {
			return invalid("Attributes Reason: Invalid attribute name: %s", attribute)
		}
	}
	return nil
}

func errNull(path string) error {
	return smithy.ValidationError.Newf("1 validation error detected: Value null at '%s' failed to satisfy constraint: Member must not be null", path)
}

// checkCredentials checks that what belongs together is there.
func checkCredentials(platform string, given map[string]string) error {
	_, principal := given[attrPrincipal]
	_, credential := given[attrCredential]
	switch {
	case principal && !credential:
		return invalid("Attributes Reason: PlatformPrincipal attribute provided without PlatformCredential")
	case credential && !principal && platform != "GCM" && platform != "MPNS":
		return invalid("Attributes Reason: PlatformCredential attribute provided without PlatformPrincipal")
	}
	return nil
}

// shown are an application's attributes without its credentials.
func (a *application) shown() map[string]string {
	out := map[string]string{attrEnabled: "true"}
	for k, v := range a.Attributes {
		if !secretAttributes[k] {
			out[k] = v
		}
	}
	return out
}

// checkEndpointAttributes checks attributes of an endpoint.
func checkEndpointAttributes(given map[string]string) error {
	for _, attribute := range slices.Sorted(maps.Keys(given)) {
		switch attribute {
		case attrEnabled:
			if v := strings.ToLower(given[attribute]); v != "true" && v != "false" {
				return invalid("Attributes Reason: Invalid value for attribute: Enabled: must be true or false")
			}
		case attrUserData:
			if len(given[attribute]) > 2048 {
				return invalid("Attributes Reason: Invalid value for attribute: CustomUserData: must be at most 2048 bytes long in UTF-8 encoding")
			}
		case attrToken:
			if given[attribute] == "" {
				return invalid("Attributes Reason: Invalid value for attribute: Token: cannot be empty")
			}
		default:
			return invalid("Attributes Reason: Invalid attribute name: %s", attribute)
		}
	}
	return nil
}
