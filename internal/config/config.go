package config

import "time"

// Values of Config.Storage, LogFormat.
const (
	StorageDisk   = "disk"
	StorageMemory = "memory"

	FormatText = "text"
	FormatJSON = "json"
)

// Config is everything that can be set. Default returns the defaults.
type Config struct {
	// Address to listen on for every AWS service. Default 127.0.0.1:4566. An
	// address that other machines reach needs credentials (or insecure_dev).
	Listen string `yaml:"listen"`
	// Folder of all data, created if absent. Default ./spillway-data. It is locked
	// while the server runs.
	DataDir string `yaml:"data_dir"`
	// Where data is kept: disk or memory. Default disk. With memory nothing is
	// written and everything ends with the process.
	Storage string `yaml:"storage"`
	// Least severe level that is logged: debug, info, warn or error. Default info.
	// With debug every request is a line.
	LogLevel string `yaml:"log_level"`
	// Form of log lines: text or json. Default text.
	LogFormat string `yaml:"log_format"`
	// Account of the root key, of declared queues, and in dev mode of callers whose
	// access key names none: 12 digits. Default 000000000000.
	AccountID string `yaml:"account_id"`
	// Region of requests that name none, and of declared queues without one.
	// Default us-east-1. Every other region works too.
	Region string `yaml:"region"`
	// Beginning of the queue URLs that are handed out, such as
	// https://queues.example.com. Default empty: the scheme and host of the caller.
	ExternalURL string `yaml:"external_url"`
	// Web origins whose pages may call, such as https://app.example.com; * for all.
	// Default none: pages of this machine only.
	AllowedOrigins []string `yaml:"allowed_origins"`
	// Host names that browsers may use for this server, besides names of this
	// machine; * for all. Default none.
	AllowedHosts []string `yaml:"allowed_hosts"`
	// Lets anyone in who reaches the address: listens on any address without
	// credentials. Default false. For closed test networks only.
	InsecureDev bool `yaml:"insecure_dev"`
	// Serves profiles under /debug/pprof/. Default false. They show what the process
	// does to anyone who reaches it.
	Pprof bool `yaml:"pprof"`
	// Certificate for HTTPS; without one the port speaks HTTP only.
	TLS TLS `yaml:"tls"`
	// Free disk space in bytes below which sends are refused, while receives and
	// deletes go on. Default 268435456 (256 MiB). Negative: never refuse.
	MinFreeBytes int64 `yaml:"min_free_bytes"`
	// Memory for cached data in bytes. Default 67108864 (64 MiB). More helps queues
	// that are larger than memory.
	CacheBytes int64 `yaml:"cache_bytes"`
	// Number of data partitions of a new data folder, 1 to 64, each with a writer of
	// its own. Default 0: the storage decides. A folder keeps the number it was
	// made with.
	Partitions int `yaml:"partitions"`
	// Other nodes that this one forms a cluster with. Default none.
	Cluster Cluster `yaml:"cluster"`
	// Bounds on what clients may use at once.
	Limits Limits `yaml:"limits"`
	// Settings of Amazon SQS.
	SQS SQS `yaml:"sqs"`
	// Settings of Amazon SNS.
	SNS SNS `yaml:"sns"`
	// Settings of Amazon Kinesis Data Streams.
	Kinesis Kinesis `yaml:"kinesis"`
	// Functions that topics deliver to.
	Lambda Lambda `yaml:"lambda"`
	// Root key of account_id. Setting it (or accounts) switches verification on.
	Root Key `yaml:"root"`
	// Accounts with their users, roles, keys and policies. Only the file can set
	// them.
	Accounts []Account `yaml:"accounts"`
	// Scripts that run when the server starts and stops.
	Hooks Hooks `yaml:"hooks"`

	sources map[string]Source // of settings that are not default, by key
}

// TLS names a certificate. Both files are read again when they change.
type TLS struct {
	// File with the certificate chain in PEM. Default none. It may hold the key too.
	Cert string `yaml:"cert"`
	// File with the private key in PEM. Default the file of cert.
	Key string `yaml:"key"`
	// Makes a certificate for localhost and this machine's name, and keeps it in the data
	// folder (tls.pem): clients have to be told to trust it. Default false. The port
	// still speaks HTTP as well.
	SelfMade bool `yaml:"self_made"`
}

// Cluster is what this node needs to know of the others. See docs/CLUSTER.md.
type Cluster struct {
	// Name of the cluster, the same on all nodes. Default none: a machine of its own.
	Name string `yaml:"name"`
	// Id of this node, different on each: letters, digits and - . It stays with the
	// data folder.
	Node string `yaml:"node"`
	// Address for the other nodes, HOST:PORT. They speak TLS and need the secret.
	Listen string `yaml:"listen"`
	// Addresses of all nodes, this one included: HOST:PORT, three or more.
	Peers []string `yaml:"peers"`
	// Secret that all nodes share: who has it is a node. Default: made from the root
	// secret access key; on loopback, without either, from the name.
	Secret Secret `yaml:"secret"`
	// Address where the nats command line tool may connect, HOST:PORT. Default none:
	// a free port on loopback.
	NATSListen string `yaml:"nats_listen"`
	// How far this node's clock is wrong. Default 0s. For tests of clusters only.
	ClockSkew time.Duration `yaml:"clock_skew"`
}

// Limits bound what clients may use at once. Zero leaves a limit to the server.
type Limits struct {
	// Largest request body in bytes. Default 0: what the largest request of any
	// service needs.
	MaxBody int `yaml:"max_body"`
	// Open connections. Default 0: the server decides. Further ones are closed.
	MaxConnections int `yaml:"max_connections"`
	// Requests in work at once, without waiting receives. Default 0: the server
	// decides. Further ones are answered 503 and retried by the SDKs.
	MaxConcurrentRequests int `yaml:"max_concurrent_requests"`
	// Receives that wait for messages at once. Default 0: the server decides.
	// Further ones answer at once with what is there.
	MaxLongPolls int `yaml:"max_long_polls"`
}

// SQS are the settings of Amazon SQS.
type SQS struct {
	// Largest message and batch in bytes. Default 1048576, as in AWS.
	MaxMessageBytes int `yaml:"max_message_bytes"`
	// Messages of one queue that may be received and not deleted. Default 120000, as
	// in AWS.
	MaxInFlight int `yaml:"max_in_flight"`
	// Largest MaxNumberOfMessages of a receive. Default 10, as in AWS.
	MaxReceive int `yaml:"max_receive"`
	// Time after DeleteQueue in which the name cannot be used again. Default 60s, as
	// in AWS. 0s suits tests that make the same queues again and again.
	DeleteCooldown time.Duration `yaml:"delete_cooldown"`
	// Time between two purges of a queue. Default 60s, as in AWS. 0s suits tests.
	PurgeCooldown time.Duration `yaml:"purge_cooldown"`
	// Queues that are made at start if absent. Only the file can set them.
	Queues []Queue `yaml:"queues"`
}

// Queue is a queue that is made at start if absent. If one is there with other
// attributes, the server does not start.
type Queue struct {
	// Name, with the suffix .fifo for a FIFO queue.
	Name string `yaml:"name"`
	// Region. Default the server's region.
	Region string `yaml:"region"`
	// Attributes as in CreateQueue, such as VisibilityTimeout. Numbers and booleans
	// may be written as such, RedrivePolicy and Policy as mappings.
	Attributes Values `yaml:"attributes"`
	// Tags.
	Tags Values `yaml:"tags"`
}

// SNS are the settings of Amazon SNS.
type SNS struct {
	// URL of the certificate that messages are signed with, as they show it. Default
	// empty: where this server serves it. Verifiers that insist on a host of AWS need
	// a proxy there.
	CertificateURL string `yaml:"certificate_url"`
	// Refuses what AWS does not have: the protocol kinesis. Default false.
	Strict bool `yaml:"strict"`
	// Deliveries to HTTP and HTTPS endpoints.
	HTTP SNSHTTP `yaml:"http"`
	// Relay for e-mail. Default none: messages stay in the outbox.
	Mail Mail `yaml:"mail"`
	// Gateway for text messages. Default none: messages stay in the outbox.
	SMS SMS `yaml:"sms"`
	// Notifications to mobile apps. Default off: messages stay in the outbox.
	Push Push `yaml:"push"`
	// Topics that are made at start if absent. Only the file can set them.
	Topics []Topic `yaml:"topics"`
}

// Values of SNSHTTP.Private.
const (
	PrivateAuto   = "auto"
	PrivateAllow  = "allow"
	PrivateRefuse = "refuse"
)

// SNSHTTP says which addresses deliveries may go to.
type SNSHTTP struct {
	// Addresses that are not public (this machine, private networks, the metadata of
	// clouds): allow, refuse, or auto. Default auto: allowed if the server listens on
	// loopback only.
	Private string `yaml:"private"`
	// Networks that are allowed although they are not public, such as 10.1.0.0/16.
	// Default none.
	Allow []string `yaml:"allow"`
	// Networks that are refused whatever else is said. Default none.
	Deny []string `yaml:"deny"`
	// Accepts any certificate of HTTPS endpoints. Default false. For tests only.
	Insecure bool `yaml:"insecure"`
}

// Mail is an SMTP relay.
type Mail struct {
	// Address, HOST:PORT.
	Address string `yaml:"address"`
	// User name. Default none: no authentication.
	Username string `yaml:"username"`
	// Password.
	Password Secret `yaml:"password"`
	// Address that mail is from.
	From string `yaml:"from"`
	// How the connection is encrypted: starttls, implicit, opportunistic or none.
	// Default starttls.
	TLS string `yaml:"tls"`
}

// SMS is an HTTP gateway for text messages.
type SMS struct {
	// URL that gets a POST for each message: phoneNumber, message, senderId, type and
	// maxPrice in JSON.
	URL string `yaml:"url"`
	// Headers of that, such as Authorization. Only the file can set them.
	Headers Values `yaml:"headers"`
}

// Push says where notifications to mobile apps go.
type Push struct {
	// Sends to Apple's and Google's services. Default false.
	On bool `yaml:"on"`
	// Base URL of Firebase Cloud Messaging. Default Google's.
	FCMURL string `yaml:"fcm_url"`
	// Base URL of the Apple Push Notification service. Default Apple's.
	APNSURL string `yaml:"apns_url"`
	// The same for the sandbox. Default Apple's.
	APNSSandboxURL string `yaml:"apns_sandbox_url"`
	// URL of Google's OAuth tokens. Default what the credentials say.
	TokenURL string `yaml:"token_url"`
}

// Topic is a topic that is made at start if absent. If one is there with other
// attributes, the server does not start.
type Topic struct {
	// Name, with the suffix .fifo for a FIFO topic.
	Name string `yaml:"name"`
	// Region. Default the server's region.
	Region string `yaml:"region"`
	// Attributes as in CreateTopic, such as FifoTopic. Policies may be written as
	// mappings.
	Attributes Values `yaml:"attributes"`
	// Tags.
	Tags Values `yaml:"tags"`
	// Subscriptions that are made at start if absent.
	Subscriptions []Subscription `yaml:"subscriptions"`
}

// Subscription is a subscription of a topic.
type Subscription struct {
	// Protocol: sqs, lambda, http, https, email, email-json, sms, firehose, kinesis.
	Protocol string `yaml:"protocol"`
	// Endpoint: an ARN, a URL, an address or a number.
	Endpoint string `yaml:"endpoint"`
	// Attributes as in Subscribe, such as FilterPolicy, which may be a mapping.
	Attributes Values `yaml:"attributes"`
}

// Kinesis are the settings of Amazon Kinesis Data Streams.
type Kinesis struct {
	// Time that streams and consumers stay in CREATING, UPDATING and DELETING. Default
	// 0s: they are ready at once. AWS takes about 20s.
	Transition time.Duration `yaml:"transition"`
	// Most open shards of an account in a region. Default 20000.
	ShardLimit int `yaml:"shard_limit"`
	// Has shards refuse what is above AWS's rates: 1000 records and 1 MiB written, 5
	// reads a second. Default false.
	Throttle bool `yaml:"throttle"`
	// Streams that are made at start if absent. Only the file can set them.
	Streams []Stream `yaml:"streams"`
}

// Stream is a stream that is made at start if absent.
type Stream struct {
	// Name.
	Name string `yaml:"name"`
	// Region. Default the server's region.
	Region string `yaml:"region"`
	// Number of shards. Default 0: on demand.
	Shards int `yaml:"shards"`
	// Tags.
	Tags Values `yaml:"tags"`
}

// Lambda are the settings of functions. A function is a process that is started with
// AWS_LAMBDA_RUNTIME_API=HOST:PORT/_spillway/lambda/NAME.
type Lambda struct {
	// Longest run of a function. Default 3s, as in AWS.
	Timeout time.Duration `yaml:"timeout"`
	// Password that functions attach with, USER:PASSWORD@ before the host. Default
	// none: any process that reaches the address may attach.
	Password Secret `yaml:"password"`
	// Endpoint of a Lambda Invoke API for functions that are not attached. Default
	// none.
	InvokeURL string `yaml:"invoke_url"`
	// Key that signs calls to it.
	Key Key `yaml:"key"`
	// What becomes of the events of functions. Only the file can set it.
	Functions []Function `yaml:"functions"`
}

// Function is what becomes of the events of one function.
type Function struct {
	// Name.
	Name string `yaml:"name"`
	// How often a run that failed is repeated, 0 to 2. Default 2, as in AWS.
	Retries *int `yaml:"retries"`
	// ARN of a queue or topic that gets a record of each run. Default none.
	OnSuccess string `yaml:"on_success"`
	// ARN of a queue or topic that gets a record of each event that failed. Default
	// none.
	OnFailure string `yaml:"on_failure"`
}

// Key is an access key.
type Key struct {
	// Access key id: 3 to 128 letters, digits and _ . -
	AccessKeyID string `yaml:"access_key_id"`
	// Secret access key: any text.
	SecretAccessKey Secret `yaml:"secret_access_key"`
}

// Account is an AWS account of which callers are known.
type Account struct {
	// Account number: 12 digits.
	ID string `yaml:"id"`
	// Keys that act as the account itself.
	RootKeys []Key `yaml:"root_keys"`
	// IAM users.
	Users []User `yaml:"users"`
	// IAM roles, for AssumeRole.
	Roles []Role `yaml:"roles"`
}

// User is an IAM user.
type User struct {
	// Name: 1 to 64 letters, digits and _+=,.@-
	Name string `yaml:"name"`
	// Path. Default /.
	Path string `yaml:"path"`
	// Access keys.
	Keys []Key `yaml:"keys"`
	// Identity policies, each a mapping or JSON text.
	Policies []Policy `yaml:"policies"`
}

// Role is an IAM role.
type Role struct {
	// Name: 1 to 64 letters, digits and _+=,.@-
	Name string `yaml:"name"`
	// Path. Default /.
	Path string `yaml:"path"`
	// Who may assume it: a policy with principals, a mapping or JSON text.
	Trust Policy `yaml:"trust"`
	// Identity policies, each a mapping or JSON text.
	Policies []Policy `yaml:"policies"`
}

// Hooks are scripts that run when the server starts and stops.
type Hooks struct {
	// Folder with boot.d, start.d, ready.d and shutdown.d, besides
	// /etc/localstack/init and /etc/spillway/init. Default none.
	Dir string `yaml:"dir"`
}

// Default returns the configuration when nothing is set.
func Default() *Config {
	return &Config{
		Listen: "127.0.0.1:4566", DataDir: "./spillway-data", Storage: StorageDisk,
		LogLevel: "info", LogFormat: FormatText,
		AccountID: "000000000000", Region: "us-east-1",
		MinFreeBytes: 256 << 20, CacheBytes: 64 << 20,
		SQS: SQS{
			MaxMessageBytes: 1 << 20, MaxInFlight: 120_000, MaxReceive: 10,
			DeleteCooldown: time.Minute, PurgeCooldown: time.Minute,
		},
		SNS:     SNS{HTTP: SNSHTTP{Private: PrivateAuto}, Mail: Mail{TLS: "starttls"}},
		Kinesis: Kinesis{ShardLimit: 20_000},
		Lambda:  Lambda{Timeout: 3 * time.Second},
	}
}

// Verify reports whether credentials are configured: then every request is
// verified, else (dev mode) any access key is let in.
func (c *Config) Verify() bool {
	if c.Root.AccessKeyID != "" {
		return true
	}
	for _, a := range c.Accounts {
		if len(a.RootKeys) > 0 {
			return true
		}
		for _, u := range a.Users {
			if len(u.Keys) > 0 {
				return true
			}
		}
	}
	// Accounts without a key let nobody in; that is not what dev mode means.
	return len(c.Accounts) > 0
}
