package sns

import (
	"context"

	"github.com/spillway/spillway/internal/arn"
	"github.com/spillway/spillway/internal/catalog"
	"github.com/spillway/spillway/internal/iam/policy"
)

// sharable are the actions that AddPermission can give to other accounts.
var sharable = map[string]bool{
	"*": true, "AddPermission": true, "DeleteTopic": true, "GetTopicAttributes": true, "ListSubscriptionsByTopic": true,
	"Publish": true, "Receive": true, "RemovePermission": true, "SetTopicAttributes": true, "Subscribe": true,
	"GetDataProtectionPolicy": true, "PutDataProtectionPolicy": true,
}

// checkPermission checks what AddPermission is asked for and returns the actions as a
// policy names them.
func checkPermission(accounts, actions []string) (names []string, err error) {
	for _, a := range actions {
		if !sharable[a] {
			return nil, invalid("Policy statement action out of service scope!")
		}
		names = append(names, "SNS:"+a)
	}
	for _, a := range accounts {
		if !arn.ValidAccount(a) {
			return nil, invalid("AWSAccountId")
		}
	}
	return names, nil
}

// changePolicy changes the statements of the topic's policy.
func (s *Service) changePolicy(ctx context.Context, t *topic, change func(p *policy.Edit) error) error {
	return s.changeTopic(ctx, t, func(_ *catalog.Tx, r *topicRecord) error {
		p, err := policy.ParseEdit(topicValue(t.name, r, attrPolicy))
		if err != nil {
			return err
		}
		if err := change(&p); err != nil {
			return err
		}
		text, err := p.Text()
		if err != nil {
			return err
		}
		if r.Attributes == nil {
			r.Attributes = make(map[string]string)
		}
		if r.Attributes[attrPolicy] = text; text == "" {
			delete(r.Attributes, attrPolicy)
		}
		return nil
	})
}
