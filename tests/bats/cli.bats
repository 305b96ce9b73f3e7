#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# farewell from a shell, without a daemon: words, streams, colours and exit statuses. FAREWELL names the program.

bats_require_minimum_version 1.5.0

setup() {
    captures=$BATS_TEST_DIRNAME/../captures
    nobody=$BATS_TEST_TMPDIR/control.sock
    unset NO_COLOR SSH_CONNECTION
}

farewell() { "$FAREWELL" "$@"; }

@test "help names every command and goes to stdout" {
    run --separate-stderr farewell --help
    [ "$status" -eq 0 ]
    [ -z "$stderr" ]
    for word in status explain events bans allow check-config reload ruleset replay report tune; do
        [[ $output == *"  $word "* ]]
    done
}

@test "every command has help of its own" {
    for command in status explain events "bans list" "bans import" "allow me" check-config reload "ruleset print" replay report tune; do
        # shellcheck disable=SC2086 # two words
        run farewell $command --help
        [ "$status" -eq 0 ]
        [[ $output == *"Usage:"* ]]
    done
}

@test "the version is one line" {
    run farewell --version
    [ "$status" -eq 0 ]
    [[ $output =~ ^farewell\ [0-9]+\.[0-9]+\.[0-9]+$ ]]
}

@test "0: done" {
    run farewell check-config /dev/null
    [ "$status" -eq 0 ]
}

@test "1: failed" {
    echo example.org >"$BATS_TEST_TMPDIR/list"
    run farewell --socket "$nobody" bans import "$BATS_TEST_TMPDIR/list"
    [ "$status" -eq 1 ]
    [[ $output == *"line 1: "* ]]
    run farewell --socket "$nobody" bans import "$BATS_TEST_TMPDIR"
    [ "$status" -eq 1 ]
    [[ $output == "farewell: read $BATS_TEST_TMPDIR: Is a directory" ]]
}

@test "2: a wrong command line, and what was meant" {
    run --separate-stderr farewell statsu
    [ "$status" -eq 2 ]
    [ -z "$output" ]
    [[ $stderr == *"did you mean \`status\`?"* ]]
    run farewell bans lsit
    [[ $output == *"did you mean \`list\`?"* ]]
    run farewell status --jsno
    [ "$status" -eq 2 ]
    [[ $output == *"did you mean \`--json\`?"* ]]
    run farewell explain 192.0.2.300
    [ "$status" -eq 2 ]
    [[ $output == *"is not an IPv4 or IPv6 address"* ]]
    for line in "--json statsu" "status --jsno --json"; do
        # shellcheck disable=SC2086 # several words
        run --separate-stderr farewell $line
        [ "$status" -eq 2 ]
        [[ $output == "{"*"did you mean "*'"schema":"farewell/error/v1"}' ]]
        [ -n "$stderr" ]
    done
}

@test "69: nobody answers" {
    run --separate-stderr farewell --socket "$nobody" status
    [ "$status" -eq 69 ]
    [ -z "$output" ]
    [[ $stderr == *"is it running?"* ]]
}

@test "69 with --json is a document on stdout as well" {
    run --separate-stderr farewell --socket "$nobody" --json bans list
    [ "$status" -eq 69 ]
    [[ $output == *'"schema":"farewell/error/v1"'* ]]
}

@test "78: mistakes in the configuration, with file, line and column" {
    printf '[detect]\nwindw = "1h"\n' >"$BATS_TEST_TMPDIR/farewell.toml"
    run --separate-stderr farewell check-config "$BATS_TEST_TMPDIR/farewell.toml"
    [ "$status" -eq 78 ]
    [ -z "$output" ]
    [[ $stderr == *"farewell.toml:2:1: error: unknown key \`detect.windw\`; did you mean \`window\`?"* ]]
    run farewell replay --config "$BATS_TEST_TMPDIR/farewell.toml" "$captures"
    [ "$status" -eq 78 ]
}

@test "a pipe gets no colour, and a wish that is none is refused" {
    run farewell replay "$captures/late_dns.pcap"
    [[ $output != *$'\e['* ]]
    run farewell --color=sometimes status
    [ "$status" -eq 2 ]
}

@test "quiet is quiet, and says mistakes all the same" {
    run farewell -q replay "$captures/late_dns.pcap"
    [ "$status" -eq 0 ]
    [ -z "$output" ]
    run farewell -q replay "$BATS_TEST_TMPDIR/none.pcap"
    [ "$status" -eq 1 ]
    [[ $output == *"No such file"* ]]
}

@test "a dry run asks nobody" {
    for command in "bans add 192.0.2.7" "bans remove 192.0.2.7" "bans remove --all" "allow add 192.0.2.7" reload; do
        # shellcheck disable=SC2086 # several words
        run farewell --socket "$nobody" -n $command
        [ "$status" -eq 0 ]
        [[ $output == "would "* ]]
    done
}

@test "documents are one a line" {
    run --separate-stderr farewell --json replay "$captures"
    [ "$status" -eq 0 ]
    while read -r line; do
        [[ $line == '{'*'"schema":"farewell/replay'*'}' ]]
    done <<<"$output"
}

@test "words and names of any bytes are shown, and steer nothing" {
    strange=$BATS_TEST_TMPDIR/$'\e[2J\xff'
    echo example.org >"$strange"
    run farewell bans import "$strange"
    [ "$status" -eq 1 ]
    [[ $output == *'/\x1b[2J\xff: 1 of its entries cannot be banned'* ]]
    [[ $output != *$'\e'* ]]
    run --separate-stderr farewell --json bans import "$strange"
    [ "$status" -eq 1 ]
    [[ $output == *'/\u001b[2J'$'\xef\xbf\xbd'': 1 of its'* ]]
    run farewell explain $'\e[2J'
    [ "$status" -eq 2 ]
    [[ $output == *'\x1b[2J'*' is not an IPv4 or IPv6 address'* ]]
    [[ $output == *"--help"* ]]
}
