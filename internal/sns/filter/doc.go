// Package filter parses the filter policies of SNS subscriptions and finds the
// subscriptions that want a message. It is pure: no clock, no I/O.
//
// # Grammar
//
// A policy is an object: key -> array of conditions. Any condition of an array
// suffices, and every key must be satisfied. "$or" holds a list of two or more
// objects, one of which must be satisfied; with anything else in it, or with
// objects that look like conditions, it is a key like others. Of members with the
// same name in one object the last counts; a key that is given again elsewhere
// must be satisfied there too.
//
//	"a", 10, true, null                  equal, in value and type: "10" is not 10
//	{"prefix": "a"}, {"suffix": "a"}     strings only, like the next three
//	{"equals-ignore-case": "a"}
//	{"wildcard": "a*b"}                  \* and \\ stand for themselves
//	{"cidr": "10.0.0.0/24"}              IPv4 and IPv6
//	{"numeric": [">=", 0, "<", 100]}     = < <= > >=; a lower bound may have an upper one after it
//	{"exists": true}                     a value is there; false: none is
//	{"anything-but": X}                  a value is there, and X does not hold for it;
//	                                     X: "a", 1, ["a", "b"], [1, 2], or one of
//	                                     prefix, suffix, equals-ignore-case, wildcard, cidr
//
// In the scope [Attributes], keys are names of message attributes. Those of type
// Binary do not count, and neither does a String.Array that is no JSON array. In
// the scope [Body], keys nest, and name properties of the body, which must be a
// JSON object; "a.b" is the same as b in a. Only values count: strings, numbers,
// true, false and null. Arrays stand for each of their elements, for each key on
// its own: in [{"x": 1}, {"y": 2}] there are both x = 1 and y = 2.
//
// Numbers lie within +-1e9 and have five decimals; what follows is cut off.
// Larger ones are equal if they are written the same, and satisfy no "numeric".
//
// Source: the recordings that LocalStack and pail publish, the texts and the
// grammar of event-ruler (which SNS shows to use), and "Amazon SNS subscription
// filter policies" in the SNS Developer Guide.
//
// # How a policy is evaluated
//
// Parse turns it into alternatives without "$or" (at most 150, as each is at
// least one of the combinations AWS counts), each of them a list of tests: a key
// and its conditions. A message collects the values of a key once, however many
// policies ask.
//
// # How the index works
//
// Per alternative one test is chosen as its anchor, and the policy is posted
// under what satisfies the anchor: under key and value if the conditions are
// equalities, under key and the first bytes of the prefix, or else under the key,
// if it only has to be there. Of several tests the one whose postings are
// shortest now wins. Alternatives that only ask for absence are always looked at.
// A message then visits the postings of its own keys and values, and evaluates
// the policies it meets there: the cost follows the message and the candidates,
// not the policies.
package filter
