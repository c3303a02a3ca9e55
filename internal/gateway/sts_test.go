package gateway_test

import (
	"context"
	"crypto/rand"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/spillway/spillway/internal/gateway"
	"github.com/spillway/spillway/internal/iam"
	"github.com/spillway/spillway/internal/service"
	"github.com/spillway/spillway/internal/sts"

	"github.com/aws/aws-sdk-go-v2/aws"
	awssts "github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
)

type keys struct{ id, secret, token string }

// stsClient returns clients of an STS with that issuer.
func stsClient(t *testing.T, auth gateway.Auth, issuer sts.Issuer) func(k keys) *awssts.Client {
	addr, _ := start(t, gateway.Config{Auth: auth, Services: []*service.Service{sts.New(issuer).Operations()}})
	client := fronts(t)["fast"]
	return func(k keys) *awssts.Client {
		o := awssts.Options{Region: "eu-west-1", BaseEndpoint: aws.String("http://" + addr), HTTPClient: client, RetryMaxAttempts: 1}
		o.Credentials = aws.AnonymousCredentials{}
		if k.id != "" {
			o.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
				return aws.Credentials{AccessKeyID: k.id, SecretAccessKey: k.secret, SessionToken: k.token}, nil
			})
		}
		return awssts.New(o)
	}
}

const trust = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:user/ann"},"Action":"sts:AssumeRole",
	"Condition":{"StringEquals":{"sts:ExternalId":"x1"},"IpAddress":{"aws:SourceIp":"127.0.0.0/8"},"Bool":{"aws:SecureTransport":"false"}}}}`

func TestSTSVerified(t *testing.T) {
	t.Parallel()
	d, err := iam.NewDirectory(iam.Config{Accounts: []iam.Account{{
		ID: "111122223333", RootKeys: []iam.Key{{AccessKeyID: "ROOT", SecretAccessKey: "r"}},
		Users: []iam.User{{Name: "ann", Keys: []iam.Key{{AccessKeyID: "ANN", SecretAccessKey: "a"}}}},
		Roles: []iam.Role{{Name: "reader", Trust: trust}},
	}}}, make([]byte, 32), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	client := stsClient(t, gateway.NewVerify(d), d)
	ctx := t.Context()
	whoIs := func(k keys) string {
		t.Helper()
		out, err := client(k).GetCallerIdentity(ctx, nil)
		if err != nil {
			t.Fatal(err)
		}
		return *out.Account + " " + *out.Arn
	}
	ann := keys{id: "ANN", secret: "a"}
	if got := whoIs(ann); got != "111122223333 arn:aws:iam::111122223333:user/ann" {
		t.Error(got)
	}
	session, err := client(ann).GetSessionToken(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := whoIs(keys{*session.Credentials.AccessKeyId, *session.Credentials.SecretAccessKey, *session.Credentials.SessionToken}); got != "111122223333 arn:aws:iam::111122223333:user/ann" {
		t.Error(got)
	}
	assume := &awssts.AssumeRoleInput{RoleArn: aws.String("arn:aws:iam::111122223333:role/reader"), RoleSessionName: aws.String("s-1"), ExternalId: aws.String("x1")}
	role, err := client(ann).AssumeRole(ctx, assume)
	if err != nil {
		t.Fatal(err)
	}
	const session1 = "arn:aws:sts::111122223333:assumed-role/reader/s-1"
	if *role.AssumedRoleUser.Arn != session1 || time.Until(*role.Credentials.Expiration).Round(time.Minute) != time.Hour {
		t.Errorf("%+v", role)
	}
	if got := whoIs(keys{*role.Credentials.AccessKeyId, *role.Credentials.SecretAccessKey, *role.Credentials.SessionToken}); got != "111122223333 "+session1 {
		t.Error(got)
	}
	root, err := client(keys{id: "ROOT", secret: "r"}).GetSessionToken(ctx, &awssts.GetSessionTokenInput{DurationSeconds: aws.Int32(7200)})
	if err != nil || time.Until(*root.Credentials.Expiration) > time.Hour {
		t.Errorf("%+v, %v", root, err)
	}

	assume.ExternalId = nil
	_, err = client(ann).AssumeRole(ctx, assume)
	refused(t, err, 403, "AccessDenied")
	_, err = client(keys{}).GetCallerIdentity(ctx, nil)
	refused(t, err, 403, "MissingAuthenticationToken")
	_, err = client(keys{id: "ANN", secret: "wrong"}).GetCallerIdentity(ctx, nil)
	refused(t, err, 403, "SignatureDoesNotMatch")
	_, err = client(keys{id: "BOB", secret: "a"}).GetCallerIdentity(ctx, nil)
	refused(t, err, 403, "InvalidClientTokenId")
	_, err = client(ann).GetSessionToken(ctx, &awssts.GetSessionTokenInput{DurationSeconds: aws.Int32(1)})
	refused(t, err, 400, "ValidationError")
	_, err = client(ann).GetSessionToken(ctx, &awssts.GetSessionTokenInput{TokenCode: aws.String("123456")})
	refused(t, err, 403, "AccessDenied")
	_, err = client(ann).AssumeRole(ctx, &awssts.AssumeRoleInput{RoleArn: assume.RoleArn, RoleSessionName: aws.String("s"), SourceIdentity: aws.String("me")})
	refused(t, err, 400, "ValidationError")
	_, err = client(ann).GetFederationToken(ctx, &awssts.GetFederationTokenInput{Name: aws.String("me")})
	refused(t, err, 400, "InvalidAction")
}

func refused(t *testing.T, err error, status int, code string) {
	t.Helper()
	var api smithy.APIError
	var http interface{ HTTPStatusCode() int }
	if !errors.As(err, &api) || api.ErrorCode() != code || !errors.As(err, &http) || http.HTTPStatusCode() != status {
		t.Errorf("got %v, want %d %s", err, status, code)
	}
}

func TestSTSDev(t *testing.T) {
	t.Parallel()
	client := stsClient(t, nil, sts.DevIssuer{})
	ctx := t.Context()
	for id, account := range map[string]string{"": "000000000000", "test": "000000000000", "222233334444": "222233334444"} {
		out, err := client(keys{id: id, secret: "x"}).GetCallerIdentity(ctx, nil)
		if err != nil || *out.Account != account || *out.Arn != "arn:aws:iam::"+account+":root" {
			t.Errorf("%q: %+v, %v", id, out, err)
		}
	}
	out, err := client(keys{id: "test", secret: "x"}).AssumeRole(ctx, &awssts.AssumeRoleInput{
		RoleArn: aws.String("arn:aws:iam::333344445555:role/path/any"), RoleSessionName: aws.String("me")})
	if err != nil || *out.AssumedRoleUser.Arn != "arn:aws:sts::333344445555:assumed-role/any/me" || !strings.HasSuffix(*out.AssumedRoleUser.AssumedRoleId, ":me") {
		t.Fatalf("%+v, %v", out, err)
	}
	who, err := client(keys{*out.Credentials.AccessKeyId, *out.Credentials.SecretAccessKey, *out.Credentials.SessionToken}).GetCallerIdentity(ctx, nil)
	if err != nil || *who.Account != "333344445555" {
		t.Errorf("%+v, %v", who, err)
	}
	_, err = client(keys{id: "test", secret: "x"}).AssumeRole(ctx, &awssts.AssumeRoleInput{RoleArn: aws.String("arn:aws:iam::1:role/any"), RoleSessionName: aws.String("me")})
	refused(t, err, 400, "ValidationError")
}
