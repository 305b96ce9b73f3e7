// SPDX-License-Identifier: GPL-2.0-or-later
// h3get URL: asks for it by HTTP/3 and throws away what comes. Built by make in this folder, against Debian packages.
package main

import (
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"os"

	"github.com/lucas-clemente/quic-go/http3"
)

func main() {
	client := &http.Client{Transport: &http3.RoundTripper{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	answer, err := client.Get(os.Args[1])
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println(answer.Status, answer.Proto)
	io.Copy(io.Discard, answer.Body)
}
