package mail

import (
	"crypto/rand"
	"io"
	"mime"
	"mime/quotedprintable"
	"net/mail"
	"strings"
	"time"
)

const maxSubject = 512 // bytes; SNS has 100 characters

// compose writes the message (RFC 5322). Whatever is in name and subject, it stays
// there: control characters are encoded, as all that is not ASCII (RFC 2047).
func (s *Sender) compose(w io.Writer, m Message) error {
	from := mail.Address{Name: m.FromName, Address: s.from.Address}
	subject := m.Subject
	if len(subject) > maxSubject {
		subject = subject[:maxSubject]
	}
	subject = mime.QEncoding.Encode("utf-8", strings.ToValidUTF8(subject, ""))
	var b strings.Builder
	for _, header := range [][2]string{
		{"From", from.String()},
		{"To", "<" + m.To + ">"},
		{"Subject", subject},
		{"Date", time.Now().UTC().Format(time.RFC1123Z)},
		{"Message-ID", "<" + rand.Text() + "@" + s.domain + ">"},
		{"Auto-Submitted", "auto-generated"}, // no out-of-office answers (RFC 3834)
		{"MIME-Version", "1.0"},
		{"Content-Type", "text/plain; charset=utf-8"},
		{"Content-Transfer-Encoding", "quoted-printable"},
	} {
		b.WriteString(header[0] + ":")
		fold(&b, len(header[0])+1, header[1])
	}
	b.WriteString("\r\n")
	if _, err := io.WriteString(w, b.String()); err != nil {
		return err
	}
	body := quotedprintable.NewWriter(w)
	if _, err := io.WriteString(body, m.Body); err != nil {
		return err
	}
	return body.Close()
}

// fold writes a header's value in lines of less than 78 characters, if it has
// spaces to break at. Encoded words have.
func fold(b *strings.Builder, column int, value string) {
	for word := range strings.SplitSeq(value, " ") {
		if column+1+len(word) > 77 && column > 1 && word != "" {
			b.WriteString("\r\n")
			column = 0
		}
		b.WriteString(" " + word)
		column += 1 + len(word)
	}
	b.WriteString("\r\n")
}
