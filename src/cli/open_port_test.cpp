// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/open_port.hpp"

#include <gtest/gtest.h>

#include "report/address_text.hpp"

namespace farewell::cli {
namespace {

TEST(OpenPort, IsReadWithAllItsParts) {
    const auto port = parse_open_port("443");
    ASSERT_TRUE(port);
    EXPECT_EQ(port->number, 443);
    EXPECT_FALSE(port->host);
    EXPECT_FALSE(port->protocol);
    const auto full = parse_open_port("udp/[2001:db8::1]:53");
    ASSERT_TRUE(full);
    EXPECT_EQ(full->number, 53);
    EXPECT_EQ(full->protocol, core::protocol::kUdp);
    EXPECT_EQ(full->host, report::parse_address("2001:db8::1"));
    const auto host = parse_open_port("192.0.2.1:80");
    ASSERT_TRUE(host);
    EXPECT_EQ(host->host, report::parse_address("192.0.2.1"));
}

TEST(OpenPort, AnythingElseIsRefused) {
    for (const char* text : {"", "http", "65536", "80 ", "-1", "icmp/1", "tcp/", "192.0.2.1:",
                             "2001:db8::1:80", "[192.0.2.1]:80", "example:80", ":80", "tcp/udp/80"}) {
        EXPECT_FALSE(parse_open_port(text)) << text;
    }
}

}  // namespace
}  // namespace farewell::cli
