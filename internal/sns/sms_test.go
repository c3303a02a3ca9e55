package sns

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/spillway/spillway/internal/api/snsapi"
)

const number = "+15550100123"

func text(to, body string, change ...func(*snsapi.PublishInput)) *snsapi.PublishInput {
	in := &snsapi.PublishInput{PhoneNumber: &to, Message: &body}
	for _, c := range change {
		c(in)
	}
	return in
}

func setSMS(a attrs) *snsapi.SetSMSAttributesInput {
	return &snsapi.SetSMSAttributesInput{Attributes: a}
}

func (f *fixture) optedOut(number string) bool {
	f.Helper()
	return *must[snsapi.CheckIfPhoneNumberIsOptedOutResponse](f, snsapi.CheckIfPhoneNumberIsOptedOut, &snsapi.CheckIfPhoneNumberIsOptedOutInput{PhoneNumber: &number}).IsOptedOut
}

func TestPublishToPhoneNumbers(t *testing.T) {
	virtually(t, func(f *fixture) {
		for _, bad := range []string{"", "5550100", "+123", "+0155501001", "+1555010012x", "+1234567890123456", "+1-555-0100"} {
			f.invalid(snsapi.Publish, text(bad, "m"), "Invalid parameter: PhoneNumber Reason: "+bad+" is not valid to publish to")
		}
		f.invalid(snsapi.Publish, text(number, ""), "Invalid parameter: Empty message")
		f.invalid(snsapi.Publish, text("x", ""), "Invalid parameter: PhoneNumber Reason: x is not valid to publish to") // the number first
		out := must[snsapi.PublishResponse](f, snsapi.Publish, text(number, "hello", with("AWS.SNS.SMS.SenderID", "String", "Me"), with("AWS.SNS.SMS.MaxPrice", "Number", "0.5"), with("AWS.SNS.SMS.SMSType", "String", "Transactional")))
		if !validUUID(*out.MessageId) {
			t.Error(*out.MessageId)
		}
		f.wait(time.Second)
		must[snsapi.PublishResponse](f, snsapi.Publish, text(number, `{"default":"d","sms":"short"}`, structured))
		f.wait(time.Second)
		must[snsapi.PublishResponse](f, snsapi.Publish, text(number, strings.Repeat("ü", 1700)))
		f.wait(time.Second)
		f.same(f.out.sms, []SMS{
			{number, "hello", "Me", "Transactional", "0.5"}, {number, "short", "", "Promotional", ""}, {number, strings.Repeat("ü", 1600), "", "Promotional", ""},
		})
	})
}

func TestSMSSubscriptions(t *testing.T) {
	virtually(t, func(f *fixture) {
		topic := f.topic("t", attrs{"DisplayName": "Shop"})
		f.subscribe(topic, "sms", "+1-555-0100-123", nil)
		must[snsapi.SetSMSAttributesResponse](f, snsapi.SetSMSAttributes, setSMS(attrs{"DefaultSenderID": "Shop1", "DefaultSMSType": "Transactional"}))
		f.publish(topic, "sale", subject("not shown"))
		f.wait(time.Second)
		f.same(f.out.sms, []SMS{{number, "Shop> sale", "Shop1", "Transactional", ""}})
	})
}

func TestSMSAttributes(t *testing.T) {
	virtually(t, func(f *fixture) {
		get := func(names ...string) attrs {
			return must[snsapi.GetSMSAttributesResponse](f, snsapi.GetSMSAttributes, &snsapi.GetSMSAttributesInput{Attributes: names}).Attributes
		}
		f.same(get(), attrs{"MonthlySpendLimit": "1"})
		for _, c := range []struct{ attribute, value, text string }{
			{"Nope", "x", "Nope is not a valid attribute"}, {"DefaultSMSType", "Spam", "DefaultSMSType is invalid"},
			{"DefaultSenderID", "", "DefaultSenderID is invalid"}, {"DefaultSenderID", "123", "DefaultSenderID is invalid"},
			{"DefaultSenderID", "TwelveLetter", "DefaultSenderID is invalid"}, {"DefaultSenderID", "a b", "DefaultSenderID is invalid"},
			{"DefaultSenderID", "a_b", "DefaultSenderID is invalid"}, {"MonthlySpendLimit", "much", "MonthlySpendLimit is invalid"},
			{"DeliveryStatusSuccessSamplingRate", "x", "DeliveryStatusSuccessSamplingRate is invalid"}, {"DeliveryStatusIAMRole", "role", "DeliveryStatusIAMRole is invalid"},
		} {
			f.invalid(snsapi.SetSMSAttributes, setSMS(attrs{c.attribute: c.value}), c.text)
		}
		all := attrs{"MonthlySpendLimit": "5", "DefaultSenderID": "a1", "DefaultSMSType": "Promotional", "UsageReportS3Bucket": "b", "DeliveryStatusIAMRole": roleARN, "DeliveryStatusSuccessSamplingRate": "10"}
		must[snsapi.SetSMSAttributesResponse](f, snsapi.SetSMSAttributes, setSMS(all))
		f.same(get(), all)
		f.same(get("DefaultSMSType", "nope"), attrs{"DefaultSMSType": "Promotional"})
		other := f.by(other)
		f.same(must[snsapi.GetSMSAttributesResponse](other, snsapi.GetSMSAttributes, &snsapi.GetSMSAttributesInput{}).Attributes, attrs{"MonthlySpendLimit": "1"})
	})
}

func TestOptOut(t *testing.T) {
	virtually(t, func(f *fixture) {
		ctx := context.Background()
		in := &snsapi.OptInPhoneNumberInput{PhoneNumber: new(number)}
		must[snsapi.OptInPhoneNumberResponse](f, snsapi.OptInPhoneNumber, in) // nobody knows it: no error
		for _, op := range []string{"x", "555", ""} {
			f.invalid(snsapi.OptInPhoneNumber, &snsapi.OptInPhoneNumberInput{PhoneNumber: &op}, "Invalid parameter: PhoneNumber Reason: input incorrectly formatted")
			f.invalid(snsapi.CheckIfPhoneNumberIsOptedOut, &snsapi.CheckIfPhoneNumberIsOptedOutInput{PhoneNumber: &op}, "Invalid parameter: PhoneNumber Reason: input incorrectly formatted")
			if f.OptOut(ctx, region, account, op, true) == nil {
				t.Errorf("%q was opted out", op)
			}
		}
		if err := f.OptOut(ctx, region, account, "+1 555-0100-123", true); err != nil {
			t.Fatal(err)
		}
		if !f.optedOut(number) || f.by(other).optedOut(number) {
			t.Error("not opted out, or everywhere")
		}
		topic, dead := f.topic("t", nil), f.queue("dead", nil)
		f.subscribe(topic, "sms", "+1-555-0100-123", attrs{"RedrivePolicy": `{"deadLetterTargetArn":"` + dead + `"}`})
		f.publish(topic, "m")
		must[snsapi.PublishResponse](f, snsapi.Publish, text(number, "m")) // is fine, and goes nowhere
		f.wait(time.Second)
		f.same(len(f.out.sms), 0)
		f.has(dead, "m")
		must[snsapi.OptInPhoneNumberResponse](f, snsapi.OptInPhoneNumber, in)
		must[snsapi.PublishResponse](f, snsapi.Publish, text(number, "m"))
		f.wait(time.Second)
		f.same(len(f.out.sms), 1)

		for i := range 101 {
			if err := f.OptOut(ctx, region, account, fmt.Sprintf("+1555010%04d", i), true); err != nil {
				t.Fatal(err)
			}
		}
		out := must[snsapi.ListPhoneNumbersOptedOutResponse](f, snsapi.ListPhoneNumbersOptedOut, &snsapi.ListPhoneNumbersOptedOutInput{})
		rest := must[snsapi.ListPhoneNumbersOptedOutResponse](f, snsapi.ListPhoneNumbersOptedOut, &snsapi.ListPhoneNumbersOptedOutInput{NextToken: out.NextToken})
		if len(out.PhoneNumbers) != 100 || len(rest.PhoneNumbers) != 1 || rest.NextToken != nil {
			t.Error(len(out.PhoneNumbers), len(rest.PhoneNumbers))
		}
	})
}

func TestSMSSandbox(t *testing.T) {
	virtually(t, func(f *fixture) {
		f.same(*must[snsapi.GetSMSSandboxAccountStatusResult](f, snsapi.GetSMSSandboxAccountStatus, &snsapi.GetSMSSandboxAccountStatusInput{}).IsInSandbox, false)
		create := &snsapi.CreateSMSSandboxPhoneNumberInput{PhoneNumber: new(number)}
		list := func() (out string) {
			for _, n := range must[snsapi.ListSMSSandboxPhoneNumbersResult](f, snsapi.ListSMSSandboxPhoneNumbers, &snsapi.ListSMSSandboxPhoneNumbersInput{}).PhoneNumbers {
				out += *n.PhoneNumber + " " + *n.Status + "\n"
			}
			return out
		}
		must[snsapi.CreateSMSSandboxPhoneNumberResult](f, snsapi.CreateSMSSandboxPhoneNumber, create)
		f.wait(time.Second)
		f.same(list(), number+" Pending\n")
		code := regexp.MustCompile(`^Your verification code is ([0-9]{6})$`).FindStringSubmatch(f.out.sms[0].Text)
		if code == nil {
			t.Fatal(f.out.sms)
		}
		verify := func(code string) *snsapi.VerifySMSSandboxPhoneNumberInput {
			return &snsapi.VerifySMSSandboxPhoneNumberInput{PhoneNumber: new(number), OneTimePassword: &code}
		}
		wrong := "000000"
		if code[1] == wrong {
			wrong = "000001"
		}
		f.refused(snsapi.VerifySMSSandboxPhoneNumber, verify(wrong), "VerificationException", "The one-time password is wrong or has expired")
		f.wait(16 * time.Minute)
		f.refused(snsapi.VerifySMSSandboxPhoneNumber, verify(code[1]), "VerificationException", "The one-time password is wrong or has expired")
		must[snsapi.CreateSMSSandboxPhoneNumberResult](f, snsapi.CreateSMSSandboxPhoneNumber, create)
		f.wait(time.Second)
		must[snsapi.VerifySMSSandboxPhoneNumberResult](f, snsapi.VerifySMSSandboxPhoneNumber, verify(strings.TrimPrefix(f.out.sms[1].Text, "Your verification code is ")))
		f.same(list(), number+" Verified\n")
		must[snsapi.DeleteSMSSandboxPhoneNumberResult](f, snsapi.DeleteSMSSandboxPhoneNumber, &snsapi.DeleteSMSSandboxPhoneNumberInput{PhoneNumber: new(number)})
		f.refused(snsapi.DeleteSMSSandboxPhoneNumber, &snsapi.DeleteSMSSandboxPhoneNumberInput{PhoneNumber: new(number)}, "ResourceNotFound", "The phone number does not exist")
		f.refused(snsapi.VerifySMSSandboxPhoneNumber, verify("000000"), "ResourceNotFound", "The phone number does not exist")
		if err := f.OptOut(context.Background(), region, account, number, true); err != nil {
			t.Fatal(err)
		}
		f.refused(snsapi.CreateSMSSandboxPhoneNumber, create, "OptedOut", "The phone number is opted out")
		for _, n := range []int32{0, -1, 101} {
			f.refused(snsapi.ListSMSSandboxPhoneNumbers, &snsapi.ListSMSSandboxPhoneNumbersInput{MaxResults: &n}, "ValidationError", "1 validation error detected: ...")
		}
		for _, n := range []int32{0, 31} {
			f.refused(snsapi.ListOriginationNumbers, &snsapi.ListOriginationNumbersRequest{MaxResults: &n}, "ValidationError", "1 validation error detected: ...")
		}
		f.same(len(must[snsapi.ListOriginationNumbersResult](f, snsapi.ListOriginationNumbers, &snsapi.ListOriginationNumbersRequest{}).PhoneNumbers), 0)
	})
}

// TestOutbox: what nobody delivers is kept to be looked at.
func TestOutbox(t *testing.T) {
	virtually(t, func(f *fixture) {
		topic := f.topic("t", nil)
		f.confirmed(topic, "email", "a@example.com", nil)
		f.wait(time.Second)
		f.subscribe(topic, "sms", number, nil)
		f.publish(topic, "m", subject("s"))
		f.wait(time.Second)
		all, err := f.Outbox(0, 10)
		if err != nil || len(all) != 3 {
			t.Fatalf("%+v %v", all, err)
		}
		f.same(all[0].Subject, "AWS Notification - Subscription Confirmation")
		kinds := map[string]string{}
		for _, m := range all[1:] {
			kinds[m.Protocol] = m.To + " " + m.Subject + " " + m.Topic
		}
		f.same(kinds, map[string]string{"email": "a@example.com s " + topic, "sms": number + "  " + topic})
		page, err := f.Outbox(all[0].Sequence, 1)
		if err != nil || len(page) != 1 || page[0].Sequence != all[1].Sequence {
			t.Errorf("%+v %v", page, err)
		}
		if err := f.EmptyOutbox(); err != nil {
			t.Fatal(err)
		}
		if all, err = f.Outbox(0, 10); err != nil || len(all) != 0 {
			t.Errorf("%+v %v", all, err)
		}
	}, func(c *Config) { c.Outbound.Mail, c.Outbound.SMS, c.Outbound.Push = nil, nil, nil })
}
