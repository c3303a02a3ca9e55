package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// model is a botocore service model, its overlay merged in, and the names that
// generation derives from it.
type model struct {
	Metadata   metadata              `json:"metadata"`
	Operations map[string]*operation `json:"operations"`
	Shapes     map[string]*shape     `json:"shapes"`

	file string // "sqs.json"
	pkg  string // "sqsapi"
}

type metadata struct {
	APIVersion         string    `json:"apiVersion"`
	EndpointPrefix     string    `json:"endpointPrefix"`
	SigningName        string    `json:"signingName"`
	JSONVersion        string    `json:"jsonVersion"`
	Protocol           string    `json:"protocol"`
	Protocols          []string  `json:"protocols"`
	ServiceID          string    `json:"serviceId"`
	TargetPrefix       string    `json:"targetPrefix"`
	XMLNamespace       string    `json:"xmlNamespace"`
	AWSQueryCompatible *struct{} `json:"awsQueryCompatible"`
	ErrorNamespace     string    `json:"errorNamespace"` // overlay
	Dialect            string    `json:"dialect"`        // overlay
	ExtendedID         bool      `json:"extendedId"`     // overlay
	MaxBody            int       `json:"maxBody"`        // overlay
	JavaPackage        string    `json:"javaPackage"`    // overlay
}

type operation struct {
	Name string `json:"name"`
	HTTP struct {
		Method     string `json:"method"`
		RequestURI string `json:"requestUri"`
	} `json:"http"`
	Input  *ref  `json:"input"`
	Output *ref  `json:"output"`
	Errors []ref `json:"errors"`
}

// ref is a use of a shape: a member, an element, or an input or output.
type ref struct {
	Shape          string `json:"shape"`
	LocationName   string `json:"locationName"`
	Flattened      bool   `json:"flattened"`
	ResultWrapper  string `json:"resultWrapper"`
	QueryName      string `json:"queryName"`      // overlay
	JSONResultName string `json:"jsonResultName"` // overlay
}

type shape struct {
	Type      string          `json:"type"`
	Members   map[string]*ref `json:"members"`
	Required  []string        `json:"required"`
	Member    *ref            `json:"member"`
	Key       *ref            `json:"key"`
	Value     *ref            `json:"value"`
	Flattened bool            `json:"flattened"`
	Enum      []string        `json:"enum"`
	Min       *float64        `json:"min"`
	Max       *float64        `json:"max"`
	Pattern   string          `json:"pattern"`
	Sensitive bool            `json:"sensitive"`
	Exception bool            `json:"exception"`
	Stream    bool            `json:"eventstream"` // a union of events
	Fault     bool            `json:"fault"`
	Error     struct {
		Code           string `json:"code"`
		HTTPStatusCode int    `json:"httpStatusCode"`
	} `json:"error"`
	QueryName      string   `json:"queryName"`      // overlay
	MemberOrder    []string `json:"memberOrder"`    // overlay
	LenientScalars bool     `json:"lenientScalars"` // overlay
}

// loadAll reads every model that dir/LOCK lists.
func loadAll(dir string) ([]*model, error) {
	text, err := os.ReadFile(filepath.Join(dir, "LOCK"))
	if err != nil {
		return nil, err
	}
	var lock struct {
		SHA256 map[string]string `json:"sha256"`
	}
	if err := json.Unmarshal(text, &lock); err != nil {
		return nil, fmt.Errorf("LOCK: %w", err)
	}
	var models []*model
	for file, digest := range lock.SHA256 {
		m, err := load(dir, file, digest)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		models = append(models, m)
	}
	slices.SortFunc(models, func(a, b *model) int { return strings.Compare(a.file, b.file) })
	return models, nil
}

func load(dir, file, digest string) (*model, error) {
	text, err := os.ReadFile(filepath.Join(dir, file))
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(text)
	if hex.EncodeToString(sum[:]) != digest {
		return nil, fmt.Errorf("does not have the digest that LOCK gives; models are not edited, overlays are")
	}
	var tree map[string]any
	if err := json.Unmarshal(text, &tree); err != nil {
		return nil, err
	}
	overlay := strings.TrimSuffix(file, ".json") + ".overlay.json"
	patch, err := os.ReadFile(filepath.Join(dir, overlay))
	switch {
	case err == nil:
		var over map[string]any
		if err := json.Unmarshal(patch, &over); err != nil {
			return nil, fmt.Errorf("%s: %w", overlay, err)
		}
		if additions, ok := over["additions"].(map[string]any); ok {
			if err := add(tree, additions, ""); err != nil {
				return nil, fmt.Errorf("%s: %w", overlay, err)
			}
			delete(over, "additions")
		}
		if err := merge(tree, over, ""); err != nil {
			return nil, fmt.Errorf("%s: %w", overlay, err)
		}
	case !os.IsNotExist(err):
		return nil, err
	}
	merged, err := json.Marshal(tree)
	if err != nil {
		return nil, err
	}
	m := &model{file: file}
	if err := json.Unmarshal(merged, m); err != nil {
		return nil, err
	}
	m.pkg = strings.ToLower(strings.ReplaceAll(m.Metadata.ServiceID, " ", "")) + "api"
	if len(m.Metadata.Protocols) == 0 {
		m.Metadata.Protocols = []string{m.Metadata.Protocol}
	}
	return m, nil
}

// merge applies patch to tree as RFC 7396 does, except that it does not invent
// shapes or members: a name that the model lacks is a typing error.
func merge(tree, patch map[string]any, path string) error {
	for k, v := range patch {
		if v == nil {
			delete(tree, k)
			continue
		}
		sub, ok := v.(map[string]any)
		if !ok {
			tree[k] = v
			continue
		}
		have, ok := tree[k].(map[string]any)
		if !ok {
			if path == "/shapes" || strings.HasSuffix(path, "/members") {
				return fmt.Errorf("the model has no %s/%s", path, k)
			}
			have = map[string]any{}
			tree[k] = have
		}
		if err := merge(have, sub, path+"/"+k); err != nil {
			return err
		}
	}
	return nil
}

// add puts into tree what a newer edition of the model has. Lists grow; anything
// else must be new, so that a model which has caught up says so.
func add(tree, additions map[string]any, path string) error {
	for k, v := range additions {
		at := path + "/" + k
		switch have := tree[k].(type) {
		case nil:
			tree[k] = v
		case map[string]any:
			sub, ok := v.(map[string]any)
			if !ok {
				return fmt.Errorf("additions: %s is an object in the model", at)
			}
			if err := add(have, sub, at); err != nil {
				return err
			}
		case []any:
			more, ok := v.([]any)
			if !ok {
				return fmt.Errorf("additions: %s is a list in the model", at)
			}
			tree[k] = append(have, more...)
		default:
			return fmt.Errorf("additions: the model has %s now", at)
		}
	}
	return nil
}
