package sms

import "strings"

// The alphabet of GSM 03.38 (3GPP TS 23.038, section 6.2.1) and its extension,
// whose characters take two places.
const (
	gsmBasic = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?" +
		"¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
	gsmExtension = "\f^{}\\[~]|€"
)

// Places in a message, and in each part of a longer one, which begins with 6
// bytes that say which part it is (3GPP TS 23.040, section 9.2.3.24.1).
const (
	gsmSingle, gsmPart = 160, 153
	ucsSingle, ucsPart = 70, 67
)

// Parts is the number of messages that the networks make of a text: one for up to
// 160 characters of the GSM alphabet, or 70 UTF-16 units if any other is in it;
// of longer ones, one for 153 or 67. No character is in two parts. An empty text
// is one message too.
func Parts(text string) int {
	if n, fits := count(text, gsmSingle, gsmPart, gsmPlaces); fits {
		return n
	}
	n, _ := count(text, ucsSingle, ucsPart, ucsPlaces)
	return n
}

// count fits is false if a character has no place.
func count(text string, single, part int, places func(rune) int) (parts int, fits bool) {
	total, used := 0, 0
	parts = 1
	for _, r := range text {
		n := places(r)
		if n == 0 {
			return 0, false
		}
		total += n
		if used += n; used > part {
			parts, used = parts+1, n
		}
	}
	if total <= single {
		return 1, true
	}
	return parts, true
}

func gsmPlaces(r rune) int {
	switch {
	case strings.ContainsRune(gsmBasic, r):
		return 1
	case strings.ContainsRune(gsmExtension, r):
		return 2
	}
	return 0
}

func ucsPlaces(r rune) int {
	if r > 0xffff {
		return 2
	}
	return 1
}
