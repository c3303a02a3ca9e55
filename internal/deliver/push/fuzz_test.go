package push_test

import (
	"encoding/json"
	"testing"

	"github.com/spillway/spillway/internal/deliver/push"
)

// FuzzFCMRequest: whatever was published, what is sent is JSON, and for the device.
func FuzzFCMRequest(f *testing.F) {
	f.Add(`{"notification":{"badge":"3","sound":null,"body_loc_args":"[1]","title_loc_args":"x"},"data":{"a":null,"b":" "},"time_to_live":"\"5"}`)
	f.Add(`{"fcmV1Message":{"message":{"android":{"ttl":"5s"},"topic":1}}}`)
	f.Fuzz(func(t *testing.T, payload string) {
		body, err := push.FCMRequest("device", payload, map[string]string{"AWS.SNS.MOBILE.GCM.TTL": "5"})
		if err != nil {
			return
		}
		var sent struct {
			Message struct {
				Token   string
				Topic   any
				Android struct{ TTL string }
			}
		}
		if err := json.Unmarshal(body, &sent); err != nil || sent.Message.Token != "device" || sent.Message.Android.TTL != "5s" {
			t.Errorf("%s: %v", body, err)
		}
	})
}
