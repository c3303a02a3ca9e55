package sns

import (
	"context"

	"github.com/spillway/spillway/internal/api/snsapi"
	"github.com/spillway/spillway/internal/catalog"
	"github.com/spillway/spillway/internal/service"
)

// TagResource adds tags to a topic.
//
// AWS: API_TagResource.
func init() {
	service.Register(&operations, snsapi.TagResource,
		onTagged("SNS:TagResource", func(in *snsapi.TagResourceRequest) *string { return in.ResourceArn }), (*Service).TagResource)
}

// onTagged is the authorization of the operations on tags: a topic that is missing has
// another error there.
func onTagged[In any](action string, resource func(*In) *string) func(*Service, *service.Call, *In) (service.Access, error) {
	return func(s *Service, c *service.Call, in *In) (service.Access, error) {
		if err := validate(in); err != nil {
			return service.Access{}, err
		}
		t, err := s.tagged(c, resource(in))
		if err != nil {
			return service.Access{}, err
		}
		a := t.access(c, action)
		a.OwnerOnly = true
		return a, nil
	}
}

func (s *Service) tagged(c *service.Call, resource *string) (*topic, error) {
	n, err := topicName(c, "ResourceArn", deref(resource))
	if err != nil {
		return nil, err
	}
	return lookUp(s, func() *topic { return s.lookup(n) }, noResource)
}

// TagResource implements the operation.
func (s *Service) TagResource(ctx context.Context, c *service.Call, in *snsapi.TagResourceRequest) (*snsapi.TagResourceResponse, error) {
	t, err := s.tagged(c, in.ResourceArn)
	if err != nil {
		return nil, err
	}
	return &snsapi.TagResourceResponse{}, s.changeTopic(ctx, t, func(_ *catalog.Tx, r *topicRecord) (err error) {
		r.Tags, err = addTags(r.Tags, in.Tags)
		return err
	})
}
