package config

import (
	"fmt"
	"net/netip"
	"net/url"
	"slices"

	"github.com/spillway/spillway/internal/arn"
)

func (c *Config) validateSNS(v *validation) {
	if !slices.Contains([]string{PrivateAuto, PrivateAllow, PrivateRefuse}, c.SNS.HTTP.Private) {
		v.add("sns.http.private", "must be auto, allow or refuse, not %q", c.SNS.HTTP.Private)
	}
	for key, list := range map[string][]string{"sns.http.allow": c.SNS.HTTP.Allow, "sns.http.deny": c.SNS.HTTP.Deny} {
		for _, text := range list {
			if _, err := netip.ParsePrefix(text); err != nil {
				v.add(key, "%q is not a network such as 10.1.0.0/16", text)
			}
		}
	}
	if !slices.Contains([]string{"starttls", "implicit", "opportunistic", "none"}, c.SNS.Mail.TLS) {
		v.add("sns.mail.tls", "must be starttls, implicit, opportunistic or none, not %q", c.SNS.Mail.TLS)
	}
	if c.SNS.Mail.Address != "" && c.SNS.Mail.From == "" {
		v.add("sns.mail.from", "must be there with sns.mail.address")
	}
	v.url("sns.sms.url", c.SNS.SMS.URL)
	v.url("sns.certificate_url", c.SNS.CertificateURL)
	v.url("lambda.invoke_url", c.Lambda.InvokeURL)
	v.between("lambda.timeout", int64(c.Lambda.Timeout), 1, 900_000_000_000)
	for i, t := range c.SNS.Topics {
		if t.Region != "" && !arn.ValidRegion(t.Region) {
			v.add(fmt.Sprintf("sns.topics[%d].region", i), "%q is not a region such as us-east-1", t.Region)
		}
	}
	for i, f := range c.Lambda.Functions {
		if f.Retries != nil && (*f.Retries < 0 || *f.Retries > 2) {
			v.add(fmt.Sprintf("lambda.functions[%d].retries", i), "must be between 0 and 2, not %d", *f.Retries)
		}
	}
}

// url checks a URL that may be empty.
func (v *validation) url(key, text string) {
	if text == "" {
		return
	}
	if u, err := url.Parse(text); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		v.add(key, "must be a URL such as https://example.com, not %q", text)
	}
}
