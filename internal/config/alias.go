package config

import (
	"fmt"
	"net"
	"strconv"
	"strings"
)

// alias is an environment variable of LocalStack that existing set-ups use. It is
// also read with the prefix LOCALSTACK_.
type alias struct {
	name, key, meaning string
	// value translates the variable's text; "" leaves the setting alone.
	value func(text string) (string, error)
}

// aliases in the order in which they apply: later ones win.
func aliases() []alias {
	return []alias{
		{"EDGE_PORT", "listen", "the port, on the default address", func(text string) (string, error) {
			if _, err := strconv.ParseUint(text, 10, 16); err != nil {
				return "", fmt.Errorf("%q is not a port", text)
			}
			host, _, err := net.SplitHostPort(Default().Listen)
			return net.JoinHostPort(host, text), err
		}},
		{"GATEWAY_LISTEN", "listen", "the first address of its list", func(text string) (string, error) {
			first, _, _ := strings.Cut(text, ",")
			return strings.TrimSpace(first), nil
		}},
		{"DEFAULT_REGION", "region", "the same", func(text string) (string, error) { return text, nil }},
		{"DEBUG", "log_level", "1: debug", when("debug", "")},
		{"LS_LOG", "log_level", "trace and trace-internal are debug, warning is warn", func(text string) (string, error) {
			switch text = strings.ToLower(text); text {
			case "trace", "trace-internal":
				return "debug", nil
			case "warning":
				return "warn", nil
			}
			return text, nil
		}},
		{"PERSISTENCE", "storage", "0: memory, 1: disk", when(StorageDisk, StorageMemory)},
		{"CUSTOM_SSL_CERT_PATH", "tls.cert", "one file with certificate and key", func(text string) (string, error) { return text, nil }},
		{"EXTRA_CORS_ALLOWED_ORIGINS", "allowed_origins", "the same", func(text string) (string, error) { return text, nil }},
		{"DISABLE_CORS_CHECKS", "allowed_origins", "1: *", when("*", "")},
		{"SQS_DELAY_RECENTLY_DELETED", "sqs.delete_cooldown", "0: 0s, 1: 60s", when("60s", "0s")},
		{"SQS_DELAY_PURGE_RETRY", "sqs.purge_cooldown", "0: 0s, 1: 60s", when("60s", "0s")},
		{"SQS_DISABLE_MAX_NUMBER_OF_MESSAGE_LIMIT", "sqs.max_receive", "1: 1000", when("1000", "")},
	}
}

// when translates LocalStack's booleans: 1 and true against everything else.
func when(yes, no string) func(string) (string, error) {
	return func(text string) (string, error) {
		switch strings.ToLower(text) {
		case "1", "true":
			return yes, nil
		}
		return no, nil
	}
}

func (c *Config) applyAliases(env func(string) (string, bool)) error {
	for _, a := range aliases() {
		for _, name := range []string{a.name, "LOCALSTACK_" + a.name} {
			text, ok := env(name)
			if !ok || text == "" {
				continue
			}
			value, err := a.value(text)
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			if value == "" {
				continue
			}
			if err := c.Set(a.key, value, name); err != nil {
				return err
			}
		}
	}
	return nil
}
