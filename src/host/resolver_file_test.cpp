// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/resolver_file.hpp"

#include <gtest/gtest.h>

#include <string>

#include "host/test_messages.hpp"

namespace farewell::host {
namespace {

TEST(Resolvers, AreTheNameserverLines) {
    const auto found = parse_resolvers(
        "# made by hand\n"
        "search example.org\n"
        "nameserver 192.0.2.53\n"
        "nameserver\t2001:db8::53  trailing words\n"
        "  nameserver fe80::1%eth0\r\n"
        "options edns0\n"
        "nameserver 192.0.2.54");
    EXPECT_EQ(found, (std::vector{address("192.0.2.53"), address("2001:db8::53"), address("fe80::1"),
                                  address("192.0.2.54")}));
}

TEST(Resolvers, WhatCannotBeReadIsPassedOver) {
    EXPECT_TRUE(parse_resolvers("").empty());
    EXPECT_TRUE(parse_resolvers("\n\n").empty());
    EXPECT_TRUE(parse_resolvers("nameserver\nnameserver ns.example.org\nnameserver 1.2.3\n").empty());
    EXPECT_TRUE(
        parse_resolvers("#nameserver 192.0.2.1\n; nameserver 192.0.2.2\nnameservers 192.0.2.3\n").empty());
    EXPECT_TRUE(parse_resolvers("domain nameserver 192.0.2.1\n").empty());
    EXPECT_TRUE(parse_resolvers(std::string("nameserver\0 192.0.2.1", 21)).empty());
}

TEST(Resolvers, AreLimitedInNumber) {
    std::string text;
    for (int i = 0; i < 1000; ++i) {
        text += "nameserver 192.0.2.1\n";
    }
    EXPECT_EQ(parse_resolvers(text).size(), kResolversMax);
}

}  // namespace
}  // namespace farewell::host
