package gateway_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/spillway/spillway/internal/gateway"
	"github.com/spillway/spillway/internal/iam"
	"github.com/spillway/spillway/internal/service"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/smithy-go"
)

func sdk(addr string, client *http.Client, id, secret string) *sqs.Client {
	var provider aws.CredentialsProvider = aws.AnonymousCredentials{}
	if id != "" {
		provider = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: id, SecretAccessKey: secret}, nil
		})
	}
	return sqs.New(sqs.Options{Region: "eu-west-1", BaseEndpoint: aws.String("http://" + addr), HTTPClient: client, Credentials: provider, RetryMaxAttempts: 1,
		DisableMessageChecksumValidation: true})
}

// TestSigned: the real SDK, through both fronts.
func TestSigned(t *testing.T) {
	t.Parallel()
	s := newToy()
	addr, _ := start(t, gateway.Config{Services: []*service.Service{s.service()}, Auth: verifying(t, iam.Account{
		ID: "000000000000", RootKeys: []iam.Key{{AccessKeyID: "AKIDROOT", SecretAccessKey: "secret"}},
		Users: []iam.User{
			{Name: "sender", Keys: []iam.Key{{AccessKeyID: "SENDER", SecretAccessKey: "s"}}, Policies: []string{
				`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"sqs:SendMessage","Resource":"*","Condition":{"IpAddress":{"aws:SourceIp":"127.0.0.0/8"},"StringEquals":{"aws:RequestedRegion":"eu-west-1"}}}}`}},
		},
	})})
	for front, client := range fronts(t) {
		for _, c := range []struct{ id, secret, code string }{
			{"AKIDROOT", "secret", ""}, {"SENDER", "s", ""},
			{"AKIDROOT", "wrong", "SignatureDoesNotMatch"}, {"NOBODY", "x", "InvalidClientTokenId"}, {"", "", "AccessDenied"},
		} {
			out, err := sdk(addr, client, c.id, c.secret).SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: aws.String("http://" + addr + "/000000000000/q"), MessageBody: aws.String("hällo")})
			var api smithy.APIError
			switch {
			case c.code == "" && (err != nil || *out.MessageId != "hällo"):
				t.Errorf("%s, %v: %v", front, c, err)
			case c.code != "" && (!errors.As(err, &api) || api.ErrorCode() != c.code):
				t.Errorf("%s, %v: %v", front, c, err)
			}
		}
		_, err := sdk(addr, client, "SENDER", "s").ListQueues(t.Context(), nil)
		var api smithy.APIError
		if !errors.As(err, &api) || api.ErrorCode() != "AccessDenied" || !strings.Contains(api.ErrorMessage(), "arn:aws:iam::000000000000:user/sender") {
			t.Errorf("%s: %v", front, err)
		}
		if got := s.calls[len(s.calls)-1]; got.Region != "eu-west-1" || got.Principal.ARN != "arn:aws:iam::000000000000:user/sender" {
			t.Errorf("%s: %+v", front, got)
		}
	}
}

// TestSignedAsSent: paths, queries and headers reach verification as they were sent.
func TestSignedAsSent(t *testing.T) {
	t.Parallel()
	addr, _ := start(t, gateway.Config{Services: []*service.Service{newToy().service()}, Auth: verifying(t)})
	credentials := aws.Credentials{AccessKeyID: "AKIDROOT", SecretAccessKey: "secret"}
	for front, client := range fronts(t) {
		for _, target := range []string{
			"/?Action=ListQueues", "/000000000000/q?Action=SendMessage&MessageBody=a%20b", "/a%2Fb/%C3%A4?Action=ListQueues&x=%2F+", "//x//y/?Action=ListQueues", "/a/../b/./c?Action=ListQueues&A=",
		} {
			for _, presign := range []bool{false, true} {
				req, err := http.NewRequest("GET", "http://"+addr, nil)
				if err != nil {
					t.Fatal(err)
				}
				path, query, _ := strings.Cut(target, "?")
				plain, err := url.PathUnescape(path)
				if err != nil {
					t.Fatal(err)
				}
				req.URL.Path, req.URL.RawPath, req.URL.RawQuery = plain, path, query
				req.Header.Add("X-Amz-Twice", "one  two")
				req.Header.Add("X-Amz-Twice", "three")
				hash := "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
				if presign {
					hash = "UNSIGNED-PAYLOAD"
					req.Header.Set("X-Amz-Content-Sha256", hash)
				}
				signer := v4.NewSigner()
				if presign {
					signed, header, err := signer.PresignHTTP(t.Context(), credentials, req, hash, "sqs", "us-east-1", time.Now())
					if err != nil {
						t.Fatal(err)
					}
					u, err := url.Parse(signed)
					if err != nil {
						t.Fatal(err)
					}
					req.URL = u
					for k, v := range header {
						req.Header[k] = v
					}
				} else if err := signer.SignHTTP(t.Context(), credentials, req, hash, "sqs", "us-east-1", time.Now()); err != nil {
					t.Fatal(err)
				}
				res, err := client.Do(req)
				if err != nil {
					t.Fatal(err)
				}
				res.Body.Close()
				if res.StatusCode != 200 {
					t.Errorf("%s, %s, presigned %v: %d", front, target, presign, res.StatusCode)
				}
			}
		}
	}
}

// TestScopeOfAnotherService: a signature is good for one service only.
func TestScopeOfAnotherService(t *testing.T) {
	t.Parallel()
	addr, _ := start(t, gateway.Config{Services: []*service.Service{newToy().service()}, Auth: verifying(t)})
	for _, c := range []struct{ service, region, text string }{{"sns", "us-east-1", "correct service: 'sqs'"}, {"sqs", "US_EAST", "valid region"}} {
		req, err := http.NewRequest("POST", "http://"+addr, strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("X-Amz-Target", "AmazonSQS.ListQueues")
		credentials := aws.Credentials{AccessKeyID: "AKIDROOT", SecretAccessKey: "secret"}
		const hash = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a" // of {}
		if err := v4.NewSigner().SignHTTP(t.Context(), credentials, req, hash, c.service, c.region, time.Now()); err != nil {
			t.Fatal(err)
		}
		res := do(t, fronts(t)["fast"], "POST", "http://"+addr, "{}", "X-Amz-Target", "AmazonSQS.ListQueues", "Host", req.Host,
			"Authorization", req.Header.Get("Authorization"), "X-Amz-Date", req.Header.Get("X-Amz-Date"))
		if res.StatusCode != 403 || !strings.Contains(res.text, "InvalidSignatureException") || !strings.Contains(res.text, c.text) {
			t.Errorf("%v: %d %s", c, res.StatusCode, res.text)
		}
	}
}
