// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/utmp_file.hpp"

#include <gtest/gtest.h>
#include <utmpx.h>

#include <cstring>
#include <initializer_list>
#include <string>

#include "host/test_messages.hpp"

namespace farewell::host {
namespace {

constexpr int kAlive = 4711;

struct Written {
    std::string host;
    std::initializer_list<unsigned> bytes{};  // of the address
    short type = USER_PROCESS;
    int process = kAlive;
};

std::string record_of(const Written& written) {
    utmpx record{};
    record.ut_type = written.type;
    record.ut_pid = written.process;
    std::memcpy(record.ut_host, written.host.data(), std::min(written.host.size(), sizeof record.ut_host));
    std::size_t at = 0;
    for (const unsigned byte : written.bytes) {
        const auto value = static_cast<unsigned char>(byte);
        std::memcpy(reinterpret_cast<char*>(&record.ut_addr_v6) + at++, &value,
                    1);  // NOLINT: a test's record
    }
    std::string bytes(sizeof record, '\0');
    std::memcpy(bytes.data(), &record, sizeof record);
    return bytes;
}

std::vector<RemoteSession> parse(const std::string& bytes) {
    return parse_utmp(bytes, [](int process) { return process == kAlive; });
}

TEST(Utmp, AddressesOfBothFamilies) {
    const auto sessions =
        parse(record_of({.host = "admin.example.org", .bytes = {192, 0, 2, 7}}) +
              record_of({.host = "2001:db8::7",
                         .bytes = {0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7}}) +
              record_of({.host = "x", .bytes = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 8}}));
    EXPECT_EQ(sessions,
              (std::vector<RemoteSession>{{.host = "admin.example.org", .address = address("192.0.2.7")},
                                          {.host = "2001:db8::7", .address = address("2001:db8::7")},
                                          {.host = "x", .address = address("192.0.2.8")}}));
}

TEST(Utmp, AnAddressThatStandsInTheNameCounts) {
    const auto sessions =
        parse(record_of({.host = "192.0.2.7"}) + record_of({.host = "192.0.2.8 via mosh [12]"}) +
              record_of({.host = "fe80::1%eth0"}));
    ASSERT_EQ(sessions.size(), 3U);
    EXPECT_EQ(sessions[0].address, address("192.0.2.7"));
    EXPECT_EQ(sessions[1].address, address("192.0.2.8"));
    EXPECT_EQ(sessions[2].address, address("fe80::1"));
}

TEST(Utmp, ANameAloneIsASessionWithoutAddress) {
    const auto sessions = parse(record_of({.host = "admin.example.org"}));
    ASSERT_EQ(sessions.size(), 1U);
    EXPECT_EQ(sessions[0].address, std::nullopt);
    EXPECT_EQ(parse(record_of({.host = std::string(sizeof utmpx::ut_host, 'n')})).size(), 1U)
        << "no end in it";
}

TEST(Utmp, TheUnspecifiedAddressIsNone) {
    const std::initializer_list<unsigned> mapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0};
    EXPECT_TRUE(parse(record_of({.host = "", .bytes = mapped})).empty());
    const auto named = parse(record_of({.host = "admin.example.org", .bytes = mapped}));
    ASSERT_EQ(named.size(), 1U);
    EXPECT_EQ(named[0].address, std::nullopt) << "the name is looked up";
}

TEST(Utmp, LocalAndFinishedSessionsAreNone) {
    for (const char* const local : {"", ":0", "tmux(4711).%0", ":pts/1:S.0", "localhost"}) {
        EXPECT_TRUE(parse(record_of({.host = local})).empty()) << local;
    }
    EXPECT_TRUE(parse(record_of({.host = "192.0.2.7", .type = DEAD_PROCESS})).empty());
    EXPECT_TRUE(parse(record_of({.host = "6.1.0-18-amd64", .type = BOOT_TIME})).empty());
    EXPECT_TRUE(parse(record_of({.host = "192.0.2.7", .process = kAlive + 1})).empty()) << "left over";
}

TEST(Utmp, WhatIsNoWholeRecordIsPassedOver) {
    const std::string whole = record_of({.host = "192.0.2.7"});
    EXPECT_TRUE(parse("").empty());
    EXPECT_TRUE(parse(whole.substr(1)).empty());
    EXPECT_EQ(parse(whole + whole.substr(0, 100)).size(), 1U);
}

}  // namespace
}  // namespace farewell::host
