package sns

import (
	"context"
	"crypto"
	"crypto/md5"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spillway/spillway/internal/api/snsapi"
	"github.com/spillway/spillway/internal/signing"
)

// attributesMD5 is SQS's documented digest of attributes: name, type, value each.
func attributesMD5(parts ...string) string {
	h := md5.New()
	put := func(s string) {
		_ = binary.Write(h, binary.BigEndian, uint32(len(s)))
		h.Write([]byte(s))
	}
	for i := 0; i < len(parts); i += 3 {
		put(parts[i])
		put(parts[i+1])
		kind := byte(1)
		if strings.HasPrefix(parts[i+1], "Binary") {
			kind = 2
		}
		h.Write([]byte{kind})
		put(parts[i+2])
	}
	return hex.EncodeToString(h.Sum(nil))
}

// certificate is what the service serves at SigningCertURL.
func (f *fixture) certificate() *x509.Certificate {
	f.Helper()
	text, err := f.keys.Certificate(context.Background())
	if err != nil {
		f.Fatal(err)
	}
	block, rest := pem.Decode(text)
	if block == nil || block.Type != "CERTIFICATE" || len(rest) > 0 {
		f.Fatalf("%s", text)
	}
	c, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		f.Fatal(err)
	}
	return c
}

// verify checks a signature as AWS documents it: the names and values of these members,
// a line each.
func verify(c *x509.Certificate, e *envelope) error {
	var lines strings.Builder
	line := func(k, v string) { lines.WriteString(k + "\n" + v + "\n") }
	line("Message", e.Message)
	line("MessageId", e.MessageId)
	if e.Type == "Notification" {
		if e.Subject != nil {
			line("Subject", *e.Subject)
		}
	} else {
		line("SubscribeURL", e.SubscribeURL)
	}
	line("Timestamp", e.Timestamp)
	if e.Type != "Notification" {
		line("Token", e.Token)
	}
	line("TopicArn", e.TopicArn)
	line("Type", e.Type)
	signature, err := base64.StdEncoding.DecodeString(e.Signature)
	if err != nil {
		return err
	}
	key := c.PublicKey.(*rsa.PublicKey)
	switch e.SignatureVersion {
	case "1":
		sum := sha1.Sum([]byte(lines.String()))
		return rsa.VerifyPKCS1v15(key, crypto.SHA1, sum[:], signature)
	case "2":
		sum := sha256.Sum256([]byte(lines.String()))
		return rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], signature)
	}
	return errors.New("version " + e.SignatureVersion)
}

func TestSignatures(t *testing.T) {
	for name, early := range map[string]int{"before they are stored": 1, "when they are delivered": 0} {
		t.Run(name, func(t *testing.T) {
			virtually(t, func(f *fixture) {
				f.signWith(early)
				f.checkSignatures()
			})
		})
	}
}

func (f *fixture) checkSignatures() {
	t, c := f.T, f.certificate()
	q := f.queue("q", nil)
	for _, version := range []string{"1", "2"} {
		topic := f.topic("v"+version, attrs{"SignatureVersion": version})
		f.subscribe(topic, "sqs", q, nil)
		f.subscribe(topic, "lambda", functionARN+version, nil)
		arn := f.subscribe(topic, "http", web, nil)
		f.wait(time.Second)
		check := func(body string) {
			e := f.open(body)
			if e.SignatureVersion != version {
				t.Errorf("%s: version %s", e.Type, e.SignatureVersion)
			}
			if err := verify(c, &e); err != nil {
				t.Errorf("%v: %s", err, body)
			}
			if e.SigningCertURL != baseURL+f.keys.CertificatePath() {
				t.Error(e.SigningCertURL)
			}
			e.Message += "x"
			if verify(c, &e) == nil {
				t.Error("another message verifies")
			}
		}
		check(string(f.out.took(web)[0].Body))
		f.confirm(topic, f.token(arn))
		for _, change := range [][]func(*snsapi.PublishInput){nil, {subject("a subject")}, {structured}} {
			text := "two\nlines and 🙂 \"ä\"\\"
			if len(change) > 0 && message("", "", change...).MessageStructure != nil {
				text = `{"default":"d","sqs":"for \n sqs","http":"for http"}`
			}
			f.publish(topic, text, change...)
			f.wait(time.Second)
			check(*f.one(q).Body)
			check(string(f.out.took(web)[0].Body))
		}
		// Functions are told of version 1 on every topic, and it is what they get.
		for _, event := range f.out.events[functionARN+version] {
			_, body, _ := strings.Cut(event, `"Sns":`)
			e := f.open(strings.TrimSuffix(body, "}]}"))
			if err := verify(c, &e); err != nil || e.SignatureVersion != "1" {
				t.Errorf("%v: %s", err, event)
			}
			f.same(e.SigningCertUrl, baseURL+f.keys.CertificatePath())
		}
		f.same(len(f.out.events[functionARN+version]), 3)
		f.does(snsapi.Unsubscribe, &snsapi.UnsubscribeInput{SubscriptionArn: &arn})
		f.wait(time.Second)
		check(string(f.out.took(web)[0].Body))
	}
}

// TestSignedLate: a message whose signature there was no time for when it was published.
func TestSignedLate(t *testing.T) {
	virtually(t, func(f *fixture) {
		c := f.certificate()
		f.signWith(0)
		topic := f.topic("t", attrs{"SignatureVersion": "2"})
		queues := []string{f.queue("a", nil), f.queue("b", nil)}
		for _, q := range queues {
			f.subscribe(topic, "sqs", q, nil)
		}
		for i := range 10 {
			f.publish(topic, fmt.Sprint("message ", i))
		}
		f.restart() // what is missing is as durable as the message
		var ids [2][]string
		for i, q := range queues {
			for _, m := range f.receive(q) {
				e := f.open(*m.Body)
				if err := verify(c, &e); err != nil {
					t.Errorf("%v: %s", err, *m.Body)
				}
				if sum := md5.Sum([]byte(*m.Body)); *m.MD5OfBody != hex.EncodeToString(sum[:]) {
					t.Error("the digest is of something else")
				}
				ids[i] = append(ids[i], e.MessageId+" "+e.Signature)
			}
			slices.Sort(ids[i])
		}
		f.same(len(ids[0]), 10)
		f.same(ids[1], ids[0]) // one signature, whoever gets it
	})
}

// TestSigningKey: made once, kept, and the certificate is one that verifiers take.
func TestSigningKey(t *testing.T) {
	virtually(t, func(f *fixture) {
		c := f.certificate()
		if c.PublicKey.(*rsa.PublicKey).N.BitLen() != 2048 || c.Subject.CommonName != "sns.amazonaws.com" {
			t.Error(c.Subject)
		}
		if err := c.CheckSignatureFrom(c); err != nil && !strings.Contains(err.Error(), "parent") {
			t.Error(err)
		}
		if p := f.keys.CertificatePath(); steady(p) != "/SimpleNotificationService-HEX32.pem" {
			t.Error(p)
		}
		path := f.keys.CertificatePath()
		f.restart()
		if fmt.Sprint(f.certificate().SerialNumber) != fmt.Sprint(c.SerialNumber) || f.keys.CertificatePath() != path {
			t.Error("another key after a restart")
		}
	})
}

// TestSigningKeyIsMadeWhenNeeded: no start pays for what nobody needs.
func TestSigningKeyIsMadeWhenNeeded(t *testing.T) {
	virtually(t, func(f *fixture) {
		f.forgetKey()
		topic, raw, q := f.topic("t", nil), f.queue("raw", nil), f.queue("q", nil)
		f.subscribe(topic, "sqs", raw, attrs{"RawMessageDelivery": "true"})
		f.publish(topic, "m")
		if _, ok := f.catalog.Get(signing.Kind, signing.Record); ok {
			t.Error("a key was made for a raw delivery")
		}
		f.subscribe(topic, "sqs", q, nil)
		f.publish(topic, "m")
		e := f.open(*f.one(q).Body)
		if err := verify(f.certificate(), &e); err != nil {
			t.Error(err)
		}
	})
}
