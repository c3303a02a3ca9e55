package sns

import (
	"context"

	"github.com/spillway/spillway/internal/api/snsapi"
	"github.com/spillway/spillway/internal/service"
)

// ListOriginationNumbers returns the numbers that the account owns: none, since they belong to the gateway.
//
// AWS: API_ListOriginationNumbers.
func init() {
	service.Register(&operations, snsapi.ListOriginationNumbers, inAccount("SNS:ListOriginationNumbers", anyResource[snsapi.ListOriginationNumbersRequest]), (*Service).ListOriginationNumbers)
}

// ListOriginationNumbers implements the operation.
func (s *Service) ListOriginationNumbers(ctx context.Context, c *service.Call, in *snsapi.ListOriginationNumbersRequest) (*snsapi.ListOriginationNumbersResult, error) {
	return &snsapi.ListOriginationNumbersResult{PhoneNumbers: []snsapi.PhoneNumberInformation{}}, nil
}
