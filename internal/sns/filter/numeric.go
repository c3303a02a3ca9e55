package filter

// numeric compiles {"numeric": n}. It reads like event-ruler: the operator, then
// whatever follows it, then what the operator allows.
func (c *compiler) numeric(n *node) (condition, error) {
	if n.kind != kindArray {
		return nil, c.fail(n, atStart, "Value of numeric must be an array.")
	}
	if len(n.items) == 0 {
		return nil, c.fail(n, atEnd, "Invalid member in numeric match: ]")
	}
	first := &n.items[0].node
	if first.kind != kindString {
		return nil, c.fail(first, atStart, "Invalid member in numeric match: %s", token(first))
	}
	op, lower := first.text, false
	name := op
	switch op {
	case "=":
		name = "equals"
	case ">", ">=":
		lower = true
	case "<", "<=":
	default:
		return nil, c.failAt(n, 1, "Unrecognized numeric range operator: %s", op)
	}
	if len(n.items) < 2 || n.items[1].kind != kindNumber {
		return nil, c.failAt(n, 1, "Value of %s must be numeric", name)
	}
	if len(n.items) > 2 && !lower {
		return nil, c.failAt(n, 2, "Too many elements in numeric expression")
	}
	v := numberValue(n.items[1].text)
	upperOp, upper := "", v
	if len(n.items) > 2 {
		var err error
		if upperOp, upper, err = c.upperBound(n); err != nil {
			return nil, err
		}
	}
	if !v.inRange() || !upper.inRange() {
		return nil, c.fail(n, atEnd, "Value must be between -1.0E9 and 1.0E9, inclusive")
	}
	if upperOp != "" && v.number >= upper.number {
		return nil, c.fail(n, atEnd, "Bottom must be less than top")
	}
	if op == "=" {
		return exact(v), nil
	}
	s := span{-maxUnits, maxUnits}
	s.limit(op, v.number)
	s.limit(upperOp, upper.number)
	return s, nil
}

// upperBound reads what follows a lower bound.
func (c *compiler) upperBound(n *node) (op string, v value, err error) {
	second := &n.items[2].node
	if second.kind != kindString {
		return "", v, c.fail(second, atStart, "Bad value in numeric range: %s", token(second))
	}
	if second.text != "<" && second.text != "<=" {
		return "", v, c.fail(second, atEnd, "Bad numeric range operator: %s", second.text)
	}
	if len(n.items) < 4 || n.items[3].kind != kindNumber {
		return "", v, c.failAt(n, 3, "Value of %s must be numeric", second.text)
	}
	if len(n.items) > 4 {
		return "", v, c.failAt(n, 4, "Too many terms in numeric range expression")
	}
	return second.text, numberValue(n.items[3].text), nil
}

// limit applies one comparison. Bounds that are excluded move by the last
// decimal.
func (s *span) limit(op string, number int64) {
	switch op {
	case ">":
		s.low = number + 1
	case ">=":
		s.low = number
	case "<":
		s.high = number - 1
	case "<=":
		s.high = number
	}
}

// token is how Jackson names the token that a value begins with.
func token(n *node) string {
	switch n.kind {
	case kindObject:
		return "{"
	case kindArray:
		return "["
	case kindNull:
		return "null"
	case kindFalse:
		return "false"
	case kindTrue:
		return "true"
	default:
		return n.text
	}
}
