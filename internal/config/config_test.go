package config

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

func environment(pairs ...string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i] == name {
				return pairs[i+1], true
			}
		}
		return "", false
	}
}

func file(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "c.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func load(t *testing.T, text string, env ...string) *Config {
	t.Helper()
	c, err := Load(file(t, text), environment(env...))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestDefaults(t *testing.T) {
	t.Parallel()
	c, err := Load("", environment())
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	if c.Verify() || c.SQS.DeleteCooldown != time.Minute {
		t.Errorf("dev mode by default, with the cooldowns of AWS: %v", c.SQS)
	}
	if err := Default().Validate(); err != nil {
		t.Fatal(err)
	}
}

func TestPrecedence(t *testing.T) {
	t.Parallel()
	c := load(t, "region: eu-west-1\nsqs:\n  max_receive: 20\n",
		"DEFAULT_REGION", "us-west-2", "LOCALSTACK_EDGE_PORT", "5000", "SPILLWAY_SQS_MAX_RECEIVE", "30", "SPILLWAY_DATA_DIR", "")
	if c.Region != "eu-west-1" {
		t.Errorf("region %s: the file beats LocalStack's variables", c.Region)
	}
	if c.SQS.MaxReceive != 30 {
		t.Errorf("max_receive %d: the environment beats the file", c.SQS.MaxReceive)
	}
	if c.Listen != "127.0.0.1:5000" {
		t.Errorf("listen %s: from the alias", c.Listen)
	}
	if c.SQS.MaxInFlight != 120_000 || c.DataDir != "./spillway-data" {
		t.Errorf("neighbours keep their defaults: %+v", c.SQS)
	}
	if err := c.Set("sqs.max_receive", "40", "--sqs.max-receive"); err != nil || c.SQS.MaxReceive != 40 {
		t.Errorf("flags win: %d, %v", c.SQS.MaxReceive, err)
	}
}

// Every single setting has a variable, and all kinds of values can be set.
func TestEnvironment(t *testing.T) {
	t.Parallel()
	text := func(s setting) string {
		switch s.value.Interface().(type) {
		case bool:
			return "true"
		case int, int64:
			return "7"
		case time.Duration:
			return "7s"
		}
		return "seven"
	}
	var env []string
	for _, s := range Default().settings() {
		env = append(env, s.env(), text(s))
	}
	c, err := Load("", environment(env...))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range c.settings() {
		if got := strings.Trim(fmt.Sprint(s.value.Interface()), "[]"); got != text(s) && got != "redacted" {
			t.Errorf("%s is %s", s.env(), got)
		}
	}
	if c.Root != (Key{"seven", "seven"}) {
		t.Error("the root key comes from SPILLWAY_ROOT_ACCESS_KEY_ID and SPILLWAY_ROOT_SECRET_ACCESS_KEY")
	}
}

func TestAliases(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, text, key, want string }{
		{"GATEWAY_LISTEN", "127.0.0.1:1234,0.0.0.0:443", "listen", "127.0.0.1:1234"},
		{"EDGE_PORT", "1234", "listen", "127.0.0.1:1234"},
		{"DEFAULT_REGION", "eu-west-1", "region", "eu-west-1"},
		{"DEBUG", "1", "log_level", "debug"},
		{"DEBUG", "0", "log_level", "info"},
		{"LS_LOG", "trace", "log_level", "debug"},
		{"LS_LOG", "warning", "log_level", "warn"},
		{"PERSISTENCE", "0", "storage", "memory"},
		{"SQS_DELAY_RECENTLY_DELETED", "true", "sqs.delete_cooldown", "1m0s"},
		{"SQS_DELAY_PURGE_RETRY", "1", "sqs.purge_cooldown", "1m0s"},
		{"SQS_DISABLE_MAX_NUMBER_OF_MESSAGE_LIMIT", "1", "sqs.max_receive", "1000"},
		{"EXTRA_CORS_ALLOWED_ORIGINS", "http://a,http://b", "allowed_origins", "[http://a http://b]"},
	} {
		for _, prefix := range []string{"", "LOCALSTACK_"} {
			c, err := Load("", environment(prefix+test.name, test.text))
			if err != nil {
				t.Error(err)
				continue
			}
			for _, s := range c.settings() {
				if got := fmt.Sprint(s.value.Interface()); s.key == test.key && got != test.want {
					t.Errorf("%s=%s: %s is %s, want %s", test.name, test.text, s.key, got, test.want)
				}
			}
		}
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, text, want string }{
		{"unknown key", "listen: 127.0.0.1:1\nlisen: x\n", `c.yaml:2:1: unknown field "lisen"`},
		{"unknown nested key", "sqs:\n  queues:\n    - name: a\n      colour: red\n", `c.yaml:4:7: unknown field "colour"`},
		{"type", "sqs:\n  max_receive: many\n", "c.yaml:2:16: "},
		{"duration", "sqs:\n  purge_cooldown: soon\n", "c.yaml:2:19: "},
		{"syntax", "a: [1\n", "c.yaml:1:"},
		{"twice", "listen: a\nlisten: b\n", "c.yaml:2:1: "},
		{"two documents", "listen: a\n---\nlisten: b\n", "c.yaml:3:"},
		{"value", "\nstorage: tape\n", "c.yaml:2: storage: must be disk or memory"},
		{"open", "listen: 0.0.0.0:4566\n", "c.yaml:1: listen: 0.0.0.0:4566 can be reached by others"},
		{"open, every address", "listen: :4566\n", "--insecure-dev"},
		{"queue", "sqs:\n  queues:\n    - name: a b\n", "c.yaml:3: sqs.queues[0].name: "},
		{"queue twice", "sqs:\n  queues:\n    - name: a\n    - name: a\n", "c.yaml:4: sqs.queues[1].name: queue a is there twice"},
		{"account", "accounts:\n  - id: 12\n", "c.yaml:2: accounts[0].id: "},
		{"policy", "accounts:\n  - id: 000000000001\n    users:\n      - name: u\n        policies:\n          - Statement: {Effect: Perhaps}\n", "c.yaml:6: accounts[0].users[0].policies[0]: "},
		{"key", "accounts:\n  - id: 000000000001\n    root_keys:\n      - access_key_id: AKIA\n", "c.yaml:1: accounts: account 000000000001: root: key AKIA has no secret"},
		{"half a root key", "root:\n  access_key_id: AKIA\n", "c.yaml:1: root: needs both"},
		{"values", "sqs:\n  queues:\n    - name: a\n      attributes: 3\n", "c.yaml:4:"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c, err := Load(file(t, test.text), environment())
			if err == nil {
				err = c.Validate()
			}
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
	if _, err := Load("", environment("SPILLWAY_SQS_MAX_RECEIVE", "x")); err == nil || err.Error() != `SPILLWAY_SQS_MAX_RECEIVE: "x" is not a whole number` {
		t.Error(err)
	}
	if _, err := Load("", environment("EDGE_PORT", "x")); err == nil {
		t.Error("EDGE_PORT=x")
	}
	c, _ := Load("", environment("SPILLWAY_REGION", "Mars"))
	if err := c.Validate(); err == nil || !strings.HasPrefix(err.Error(), "region (SPILLWAY_REGION): ") {
		t.Error(err)
	}
}

func TestListenWithCredentials(t *testing.T) {
	t.Parallel()
	for _, env := range [][]string{
		{"SPILLWAY_ROOT_ACCESS_KEY_ID", "AKIAX", "SPILLWAY_ROOT_SECRET_ACCESS_KEY", "s"},
		{"SPILLWAY_INSECURE_DEV", "true"},
	} {
		if err := load(t, "listen: :4566\n", env...).Validate(); err != nil {
			t.Error(err)
		}
	}
}

func TestValues(t *testing.T) {
	t.Parallel()
	c := load(t, `
account_id: 000000000007
sqs:
  queues:
    - name: a.fifo
      attributes:
        FifoQueue: true
        VisibilityTimeout: 45
        RedrivePolicy: {deadLetterTargetArn: "arn:aws:sqs:us-east-1:000000000000:d.fifo", maxReceiveCount: 3}
      tags: {team: 007}
`)
	want := Values{
		"FifoQueue": "true", "VisibilityTimeout": "45",
		"RedrivePolicy": `{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:d.fifo","maxReceiveCount":3}`,
	}
	if got := c.SQS.Queues[0]; !reflect.DeepEqual(got.Attributes, want) || got.Tags["team"] != "007" {
		t.Errorf("got %v", got)
	}
	if c.AccountID != "000000000007" {
		t.Errorf("account %s: numbers keep their zeros", c.AccountID)
	}
	if err := c.Validate(); err != nil {
		t.Error(err)
	}
}

func TestIAM(t *testing.T) {
	t.Parallel()
	c := load(t, `
accounts:
  - id: 000000000000
    users:
      - name: u
        keys: [{access_key_id: AKIAU, secret_access_key: su}]
        policies:
          - Version: 2012-10-17
            Statement: [{Effect: Allow, Action: "sqs:*", Resource: "*"}]
          - '{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]}'
    roles:
      - name: r
        trust: {Version: "2012-10-17", Statement: [{Effect: Allow, Principal: {AWS: "*"}, Action: "sts:AssumeRole"}]}
`, "SPILLWAY_ROOT_ACCESS_KEY_ID", "AKIAR", "SPILLWAY_ROOT_SECRET_ACCESS_KEY", "sr")
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	who, err := c.IAM()
	if err != nil || len(who.Accounts) != 1 {
		t.Fatalf("%+v, %v", who, err)
	}
	a := who.Accounts[0]
	if a.RootKeys[0].SecretAccessKey != "sr" || a.Users[0].Keys[0].SecretAccessKey != "su" {
		t.Errorf("keys: %+v", a)
	}
	if want := `{"Statement":[{"Action":"sqs:*","Effect":"Allow","Resource":"*"}],"Version":"2012-10-17"}`; a.Users[0].Policies[0] != want {
		t.Errorf("policy %s", a.Users[0].Policies[0])
	}
	if !c.Verify() || c.SQS.DeleteCooldown != time.Minute {
		t.Error("verify mode, with cooldowns")
	}
}

func TestSecretsAreNotShown(t *testing.T) {
	t.Parallel()
	c := load(t, "accounts:\n  - id: 000000000001\n    root_keys: [{access_key_id: AKIAX, secret_access_key: hunter2}]\n",
		"SPILLWAY_ROOT_ACCESS_KEY_ID", "AKIAR", "SPILLWAY_ROOT_SECRET_ACCESS_KEY", "hunter2")
	sources, err := c.WithSources()
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{c.String(), sources, fmt.Sprintf("%v %+v %#v %s", c.Root, c.Root, c.Root, c.Accounts)} {
		if strings.Contains(text, "hunter2") || !strings.Contains(text, "[redacted]") {
			t.Error(text)
		}
	}
	if !strings.Contains(sources, "listen: 127.0.0.1:4566 # default") || !strings.Contains(sources, "access_key_id: AKIAR # SPILLWAY_ROOT_ACCESS_KEY_ID") {
		t.Error(sources)
	}
}
