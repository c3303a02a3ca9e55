package iam

// Principal is who made a request, after verification.
type Principal struct {
	Account     string // 12 digits; "anonymous" for unsigned requests
	ARN         string // "arn:aws:iam::000000000000:root", "...:user/NAME", "arn:aws:sts::...:assumed-role/ROLE/SESSION"
	UserID      string // SQS SenderId: account id for root, AIDA... for users, AROA...:session for roles
	AccessKeyID string
	Root        bool // the account itself: only explicit denies bind it
	Anonymous   bool
	// Unrestricted principals pass every authorization: dev mode.
	Unrestricted bool
}
