// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/session_peers.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "host/test_messages.hpp"

namespace farewell::host {
namespace {

using namespace std::chrono_literals;

RemoteSession from(const std::string& host) {
    return {.host = host, .address = parse_far_end(host)};
}

class SessionPeersTest : public testing::Test {
 protected:
    void look(const std::vector<RemoteSession>& sessions) { peers.on_sessions(sessions, own, now); }

    SessionPeers peers;
    std::vector<core::Address> own{address("198.18.0.2")};
    core::Time now{1h};
};

TEST_F(SessionPeersTest, EachAddressIsOne) {
    look({from("2001:db8::7"), from("192.0.2.7"), from("::ffff:192.0.2.7"), from("fe80::1%eth0"),
          from("192.0.2.7")});
    EXPECT_THAT(peers.addresses(), testing::UnorderedElementsAre(address("192.0.2.7"), address("2001:db8::7"),
                                                                 address("fe80::1")));
    EXPECT_EQ(peers.trouble(), "");
}

TEST_F(SessionPeersTest, LoopbackAndOwnAddressesAreNone) {
    look({from("127.0.0.1"), from("::1"), from("198.18.0.2"), from("0.0.0.0")});
    EXPECT_TRUE(peers.addresses().empty());
}

TEST_F(SessionPeersTest, APeerStaysForAWhileAfterLogout) {
    look({from("192.0.2.7")});
    now += 24h;
    look({from("192.0.2.7")});
    now += SessionPeers::kAfterLogout - 1ns;
    look({});
    EXPECT_EQ(peers.addresses(), std::vector{address("192.0.2.7")});
    now += 1ns;
    look({});
    EXPECT_TRUE(peers.addresses().empty());
}

TEST_F(SessionPeersTest, ANameAloneIsATrouble) {
    look({from("admin.example.org")});
    EXPECT_TRUE(peers.addresses().empty());
    EXPECT_NE(peers.trouble().find("admin.example.org is recorded by name alone"), std::string::npos);
    // The other record of the same session has both.
    look({from("admin.example.org"), {.host = "admin.example.org", .address = address("192.0.2.7")}});
    EXPECT_EQ(peers.addresses(), std::vector{address("192.0.2.7")});
    EXPECT_EQ(peers.trouble(), "");
}

TEST_F(SessionPeersTest, TheirNumberIsBounded) {
    std::vector<RemoteSession> sessions;
    for (std::size_t i = 0; i <= SessionPeers::kAddressesMax; ++i) {
        sessions.push_back(from("198.19." + std::to_string(i / 256) + "." + std::to_string(i % 256)));
    }
    look(sessions);
    EXPECT_EQ(peers.addresses().size(), SessionPeers::kAddressesMax);
    EXPECT_NE(peers.trouble().find("more than 1024"), std::string::npos);
    sessions.pop_back();
    look(sessions);
    EXPECT_EQ(peers.trouble(), "");
    peers.clear();
    EXPECT_TRUE(peers.addresses().empty());
}

}  // namespace
}  // namespace farewell::host
