package sqs

import (
	"strings"

	"github.com/spillway/spillway/internal/api/sqsapi"
	"github.com/spillway/spillway/internal/arn"
	"github.com/spillway/spillway/internal/iam/policy"
)

// editPolicy reads the queue's policy, or begins one.
func editPolicy(q name, text string) (policy.Edit, error) {
	if text == "" {
		return policy.Edit{Version: "2008-10-17", ID: q.arn() + "/SQSDefaultPolicy"}, nil
	}
	return policy.ParseEdit(text)
}

// sharable are the actions that AddPermission can give to other accounts.
var sharable = map[string]bool{
	"*": true, "ChangeMessageVisibility": true, "DeleteMessage": true, "GetQueueAttributes": true, "GetQueueUrl": true,
	"ListDeadLetterSourceQueues": true, "PurgeQueue": true, "ReceiveMessage": true, "SendMessage": true,
}

// maxActions: AddPermission API reference.
const maxActions = 7

func checkPermission(label *string, accounts, actions []string) error {
	switch {
	case deref(label) == "":
		return missingParameter("Label")
	case len(accounts) == 0:
		return missingParameter("AWSAccountIds")
	case len(actions) == 0:
		return missingParameter("Actions")
	case !validBatchID(*label):
		return invalidParameter("Value %s for parameter Label is invalid. Reason: Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length.", *label)
	case len(actions) > maxActions:
		return sqsapi.OverLimit.Newf("%d Actions were found, maximum allowed is %d.", len(actions), maxActions)
	}
	for _, a := range actions {
		switch {
		case sharable[a]:
		case sqsapi.Service.Operation(a) != nil:
			return invalidParameter("Value SQS:%s for parameter ActionName is invalid. Reason: Only the queue owner is allowed to invoke this action.", a)
		default:
			return invalidParameter("Value SQS:%s for parameter ActionName is invalid. Reason: Please refer to the appropriate WSDL for a list of valid actions. ", a)
		}
	}
	for _, a := range accounts {
		if !arn.ValidAccount(a) {
			return invalidParameter("Value [%s] for parameter PrincipalId is invalid. Reason: Unable to verify.", strings.Join(accounts, ", "))
		}
	}
	return nil
}
