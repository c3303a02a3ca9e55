package filter

import (
	"net/netip"
	"strconv"
	"strings"
)

// expression compiles a condition that is an object; nil stands for
// {"exists": false}. Like event-ruler it reads the operand of the first member
// before it sees that there is a second one.
func (c *compiler) expression(n *node) (condition, error) {
	if len(n.items) == 0 {
		return nil, c.fail(n, atEnd, "Match expression name not found")
	}
	op, operand := n.items[0].name, &n.items[0].node
	cond, err := c.operator(op, operand)
	if err != nil {
		return nil, err
	}
	if len(n.items) > 1 {
		text := "Only one key allowed in match expression"
		if op == "numeric" || op == "anything-but" && operand.kind != kindObject {
			text = "Too many elements in numeric expression"
		}
		return nil, c.fail(&n.items[1].node, atStart, "%s", text)
	}
	return cond, nil
}

func (c *compiler) operator(op string, operand *node) (condition, error) {
	switch op {
	case "numeric":
		return c.numeric(operand)
	case "anything-but":
		return c.anythingBut(operand)
	case "exists":
		switch operand.kind {
		case kindTrue:
			return exists{}, nil
		case kindFalse:
			return nil, nil
		default:
			return nil, c.fail(operand, atStart, "exists match pattern must be either true or false.")
		}
	}
	if !isStringOperator(op) {
		return nil, c.fail(operand, atStart, "Unrecognized match type %s", op)
	}
	return c.stringOperator(op, operand)
}

func isStringOperator(op string) bool {
	switch op {
	case "prefix", "suffix", "equals-ignore-case", "wildcard", "cidr":
		return true
	}
	return false
}

func (c *compiler) stringOperator(op string, operand *node) (condition, error) {
	if operand.kind != kindString {
		if op == "cidr" {
			op = "prefix" // as AWS has it
		}
		return nil, c.fail(operand, atStart, "%s match pattern must be a string", op)
	}
	switch op {
	case "prefix":
		return prefix(operand.text), nil
	case "suffix":
		return suffix(operand.text), nil
	case "equals-ignore-case":
		return equalFold(operand.text), nil
	case "wildcard":
		return parseWildcard(operand.text)
	default:
		return parseCIDR(operand.text)
	}
}

// anythingBut compiles {"anything-but": n}: a string, a number, a list of either,
// or an object with one of the operators for strings.
func (c *compiler) anythingBut(n *node) (condition, error) {
	switch n.kind {
	case kindString, kindNumber:
		return anythingBut{exact(scalar(n))}, nil
	case kindArray:
		return c.anythingButList(n)
	case kindObject:
		return c.anythingButOperator(n)
	default:
		return nil, c.fail(n, atStart, "Value of anything-but must be an array or single string/number value.")
	}
}

func (c *compiler) anythingButList(n *node) (condition, error) {
	var but anythingBut
	for i := range n.items {
		e := &n.items[i].node
		if e.kind != kindString && e.kind != kindNumber {
			return nil, c.fail(e, atStart, "Inside anything but list, start|null|boolean is not supported.")
		}
		but = append(but, exact(scalar(e)))
	}
	for i := range n.items {
		if n.items[i].kind != n.items[0].kind {
			but = nil
		}
	}
	if len(but) == 0 {
		return nil, c.fail(n, atEnd, "Inside anything but list, either all values are number or string, mixed type is not supported")
	}
	return but, nil
}

// anythingButOperator: in 2024 AWS took "prefix" only. The documentation has more
// now, and lists.
func (c *compiler) anythingButOperator(n *node) (condition, error) {
	if len(n.items) == 0 {
		return nil, c.fail(n, atEnd, "Anything-But expression name not found")
	}
	op, operand := n.items[0].name, &n.items[0].node
	if !isStringOperator(op) {
		return nil, c.fail(operand, atStart, "Unsupported anything-but pattern: %s", op)
	}
	operands := []*node{operand}
	if operand.kind == kindArray {
		operands = operands[:0]
		for i := range operand.items {
			operands = append(operands, &operand.items[i].node)
		}
	}
	var but anythingBut
	for _, o := range operands {
		if (op == "prefix" || op == "suffix") && o.kind == kindString && o.text == "" {
			return nil, c.fail(o, atEnd, "Null prefix/suffix not allowed")
		}
		cond, err := c.stringOperator(op, o)
		if err != nil {
			return nil, err
		}
		but = append(but, cond)
	}
	if len(but) == 0 {
		return nil, c.fail(operand, atEnd, "Empty arrays are not allowed")
	}
	if len(n.items) > 1 {
		return nil, c.fail(&n.items[1].node, atStart, "Only one key allowed in match expression")
	}
	return but, nil
}

// parseWildcard splits a pattern at its asterisks. Positions in texts count from
// the opening quote, in bytes, and texts do not say where in the policy, as
// event-ruler has it.
func parseWildcard(pattern string) (condition, error) {
	var pieces wildcard
	var piece strings.Builder
	for i := 0; i < len(pattern); i++ {
		switch pattern[i] {
		case '*':
			if i+1 < len(pattern) && pattern[i+1] == '*' {
				return nil, &Error{"Consecutive wildcard characters at pos " + strconv.Itoa(i+1)}
			}
			pieces = append(pieces, piece.String())
			piece.Reset()
		case '\\':
			if i+1 == len(pattern) || pattern[i+1] != '*' && pattern[i+1] != '\\' {
				return nil, &Error{"Invalid escape character at pos " + strconv.Itoa(i+1)}
			}
			i++
			piece.WriteByte(pattern[i])
		default:
			piece.WriteByte(pattern[i])
		}
	}
	return append(pieces, piece.String()), nil
}

// parseCIDR takes host masks too (/32, /128), which event-ruler does not, and an
// address with bits beyond the mask. Its texts do not say where in the policy.
func parseCIDR(text string) (condition, error) {
	host, mask, ok := strings.Cut(text, "/")
	if !ok || mask == "" || strings.Contains(mask, "/") {
		return nil, &Error{"Malformed CIDR, one '/' required"}
	}
	bits, err := strconv.ParseInt(mask, 10, 32)
	if err != nil {
		return nil, &Error{"Malformed CIDR, mask bits must be an integer"}
	}
	if bits < 0 {
		return nil, &Error{"Malformed CIDR, mask bits must not be negative"}
	}
	address, err := netip.ParseAddr(host)
	if err != nil || address.Zone() != "" {
		return nil, &Error{"Nonstandard IP address: " + host}
	}
	address = address.Unmap()
	network, err := address.Prefix(int(bits))
	switch {
	case err == nil:
		return cidr{network}, nil
	case address.Is4():
		return nil, &Error{"IPv4 mask bits must be < 33"}
	default:
		return nil, &Error{"IPv6 mask bits must be < 129"}
	}
}
