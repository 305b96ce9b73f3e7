// SPDX-License-Identifier: GPL-2.0-or-later
// Bans of prefixes against the real kernel: packets of many sources arrive over a wire within the test's own
// network namespace, and either a ban counts them or a chain behind ours sees them. Needs root.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <numeric>
#include <string>
#include <thread>
#include <vector>

#include "core/bannable.hpp"
#include "enforce/nft_enforcer.hpp"
#include "packet_builder.hpp"
#include "scenario.hpp"

namespace farewell::enforce {
namespace {

using namespace std::chrono_literals;
using core::Address;
using core::Family;
using core::Prefix;
using test::alone;
using test::at;
using test::network6;

/// The address with one bit turned over, counted from the front.
Address with_bit_turned(const Address& address, std::size_t bit) {
    std::array<std::byte, 16> bytes{};
    std::ranges::copy(address.bytes(), bytes.begin());
    bytes.at(bit / 8) ^= static_cast<std::byte>(0x80U >> bit % 8U);
    return address.family() == Family::ipv4 ? Address::ipv4(std::span(bytes).first<4>())
                                            : Address::ipv6(bytes);
}

/// A TCP SYN as the kernel takes it: without a right header checksum an IPv4 packet reaches no hook.
test::Bytes packet_from(const Address& source) {
    if (source.family() == Family::ipv6) {
        test::Ipv6 ip{.payload = test::build(test::Tcp{})};
        std::ranges::transform(source.bytes(), ip.source.begin(), std::to_integer<std::uint8_t>);
        return test::build(ip);
    }
    test::Ipv4 ip{.payload = test::build(test::Tcp{})};
    std::ranges::transform(source.bytes(), ip.source.begin(), std::to_integer<std::uint8_t>);
    test::Bytes packet = test::build(ip);
    std::uint32_t sum = 0;
    for (std::size_t i = 0; i < 20; i += 2) {
        sum +=
            std::to_integer<std::uint32_t>(packet[i]) << 8U | std::to_integer<std::uint32_t>(packet[i + 1]);
    }
    sum = (sum & 0xffffU) + (sum >> 16U);
    sum = ~(sum + (sum >> 16U)) & 0xffffU;
    packet[10] = static_cast<std::byte>(sum >> 8U);
    packet[11] = static_cast<std::byte>(sum & 0xffU);
    return packet;
}

class NftPrefixKernelTest : public testing::Test {
 protected:
    void SetUp() override {
        if (geteuid() != 0) {
            GTEST_SKIP() << "needs root";
        }
        ASSERT_EQ(unshare(CLONE_NEWNET), 0);  // every test is a process of its own under ctest
        shell("ip link add near type veth peer name far");
        shell("ip link set near up && ip link set far up");
        // The kernel notices a moment later that there is a carrier, and loses what is sent before.
        shell(
            "for try in $(seq 500); do"
            " [ $(ip link show up | grep -c 'state UP') = 2 ] && exit 0; sleep 0.02; done; exit 1");
        ASSERT_TRUE(enforcer.build()) << enforcer.build().error().message;
        watch();
    }

    static void shell(const std::string& command) {
        ASSERT_EQ(std::system(command.c_str()), 0) << command;  // NOLINT: a test's set-up
    }
    /// Notes down every source that our chain let through.
    static void watch() {
        shell(
            "nft 'add table inet watch;"
            "add set inet watch seen4 { type ipv4_addr; size 64; flags dynamic; };"
            "add set inet watch seen6 { type ipv6_addr; size 64; flags dynamic; };"
            "add chain inet watch behind { type filter hook prerouting priority -400; };"
            "add rule inet watch behind add @seen4 { ip saddr };"
            "add rule inet watch behind add @seen6 { ip6 saddr }'");
    }

    void ban(const Prefix& who, std::chrono::nanoseconds duration = 1h) {
        const std::array bans{core::Ban{.source = who, .until = now + duration}};
        const auto result = enforcer.ban(bans, now);
        ASSERT_TRUE(result) << result.error().message;
    }
    std::uint64_t dropped() {
        const auto list = enforcer.list_with_counts();
        EXPECT_TRUE(list) << list.error().message;
        return std::accumulate(list->begin(), list->end(), std::uint64_t{0},
                               [](std::uint64_t sum, const EnforcedBan& ban) { return sum + ban.packets; });
    }
    static bool seen(const Address& source) {
        std::array<char, INET6_ADDRSTRLEN> text{};
        const bool ipv4 = source.family() == Family::ipv4;
        inet_ntop(ipv4 ? AF_INET : AF_INET6, source.bytes().data(), text.data(), text.size());
        const std::string command = std::string("nft get element inet watch ") + (ipv4 ? "seen4" : "seen6") +
                                    " '{ " + text.data() + " }' >/dev/null 2>&1";
        return std::system(command.c_str()) == 0;  // NOLINT: a test's question
    }
    /// Sends one packet of the source and waits for what becomes of it.
    bool passes(const Address& source) {
        shell("nft 'flush set inet watch seen4; flush set inet watch seen6'");
        const std::uint64_t before = dropped();
        const test::Bytes packet = packet_from(source);
        const int fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        sockaddr_ll to{};
        to.sll_family = AF_PACKET;
        to.sll_protocol = htons(source.family() == Family::ipv4 ? ETH_P_IP : ETH_P_IPV6);
        to.sll_ifindex = static_cast<int>(if_nametoindex("near"));
        to.sll_halen = ETH_ALEN;
        std::ranges::fill(to.sll_addr, std::uint8_t{0xff});
        const auto* const generic = reinterpret_cast<const sockaddr*>(&to);  // NOLINT: the socket API
        EXPECT_EQ(sendto(fd, packet.data(), packet.size(), 0, generic, sizeof to),
                  static_cast<ssize_t>(packet.size()));
        close(fd);
        const auto limit = std::chrono::steady_clock::now() + 10s;
        while (std::chrono::steady_clock::now() < limit) {
            if (seen(source)) {
                return true;
            }
            if (dropped() > before) {
                return false;
            }
        }
        ADD_FAILURE() << "the packet was neither dropped nor seen";
        return false;
    }

    core::Time now = at(1h);
    NftEnforcer enforcer{{.table = "farewell_test"}};
};

class EveryLength : public NftPrefixKernelTest, public testing::WithParamInterface<Prefix> {};

TEST_P(EveryLength, ABanHoldsForAllOfThePrefixAndNotForItsNeighbour) {
    const Prefix& prefix = GetParam();
    const Address banned = prefix.address;
    const std::size_t last_bit = core::full_length(banned.family()) - 1U;
    const Address other = prefix.is_address() ? banned : with_bit_turned(banned, last_bit);
    const Address neighbour = with_bit_turned(banned, prefix.length - 1U);

    EXPECT_TRUE(passes(other));
    ban(prefix);
    EXPECT_FALSE(passes(other));
    EXPECT_FALSE(passes(banned));
    EXPECT_TRUE(passes(neighbour));
    const auto held = enforcer.get(prefix);
    ASSERT_TRUE(held && *held);
    EXPECT_EQ((*held)->source, prefix);
    EXPECT_EQ((*held)->packets, 2U);
    EXPECT_NEAR(static_cast<double>((*held)->time_left.count()), 3'600'000, 60'000);

    shell("nft flush ruleset");
    watch();
    ASSERT_TRUE(enforcer.build());
    EXPECT_TRUE(passes(other));
    ban(prefix);
    EXPECT_FALSE(passes(other)) << "as good as before";
    ASSERT_TRUE(enforcer.unban(std::array{prefix}));
    EXPECT_TRUE(passes(other));
    EXPECT_FALSE(*enforcer.get(prefix));
    ban(prefix);
    EXPECT_EQ(enforcer.get(prefix)->value().packets, 0U) << "not those of the former ban";
    ASSERT_TRUE(enforcer.unban(std::array{prefix}));
}

TEST_P(EveryLength, TheKernelEndsABanByItself) {
    ban(GetParam(), 200ms);
    const auto limit = std::chrono::steady_clock::now() + 10s;
    while (!enforcer.list()->empty() && std::chrono::steady_clock::now() < limit) {
        std::this_thread::yield();
    }
    EXPECT_TRUE(passes(GetParam().address));
}

std::vector<Prefix> one_of_each_length() {
    std::vector<Prefix> prefixes;
    for (const Address& address : {test::source(0x123456), network6(0x12345678, 128).address}) {
        const bool is_ipv4 = address.family() == Family::ipv4;
        for (const int length : is_ipv4 ? std::vector{32, 31, 25, 24, 17, 16, 9, 8}
                                        : std::vector{128, 127, 65, 64, 60, 56, 48, 33, 32, 16}) {
            prefixes.push_back(Prefix::of(address, static_cast<std::uint8_t>(length)));
        }
    }
    return prefixes;
}
INSTANTIATE_TEST_SUITE_P(Of, EveryLength, testing::ValuesIn(one_of_each_length()),
                         [](const testing::TestParamInfo<Prefix>& each) {
                             return (each.param.address.family() == Family::ipv4 ? "ipv4_" : "ipv6_") +
                                    std::to_string(each.param.length);
                         });

TEST_F(NftPrefixKernelTest, AllLengthsAreListedAndClearedTogether) {
    std::vector<core::Ban> bans;
    for (const Prefix& prefix : one_of_each_length()) {
        bans.push_back({.source = prefix, .until = now + 1h});
    }
    ASSERT_TRUE(enforcer.ban(bans, now));
    ASSERT_TRUE(enforcer.ban(bans, now)) << "and again, as a renewal";
    ASSERT_TRUE(enforcer.build());
    const auto list = enforcer.list();
    ASSERT_TRUE(list);
    EXPECT_EQ(list->size(), bans.size());
    for (const core::Ban& ban : bans) {
        EXPECT_EQ(std::ranges::count(*list, ban.source, &EnforcedBan::source), 1);
    }
    ASSERT_TRUE(enforcer.clear());
    EXPECT_TRUE(enforcer.list()->empty());
}

TEST_F(NftPrefixKernelTest, ALengthCostsNothingBeforeItIsUsedAndIsThereAfterARestart) {
    const auto has_set = [](const std::string& name) {
        return std::system(("nft list set inet farewell_test " + name + " >/dev/null 2>&1").c_str()) ==
               0;  // NOLINT
    };
    EXPECT_FALSE(has_set("banned4_20"));
    const Prefix network = Prefix::of(test::source(1), 20);
    ban(network);
    EXPECT_TRUE(has_set("banned4_20"));
    EXPECT_TRUE(*enforcer.is_intact()) << "its own doing";
    NftEnforcer next({.table = "farewell_test"});
    ASSERT_TRUE(next.build());
    EXPECT_FALSE(passes(network.address)) << "still";
    ASSERT_EQ(next.list()->size(), 1U);
    EXPECT_EQ(next.list()->front().source, network);
    ASSERT_TRUE(next.unban(std::array{network}));
    EXPECT_TRUE(passes(network.address));
}

TEST_F(NftPrefixKernelTest, ASoftBanOfAnyLengthIsKeptApart) {
    const core::Ban soft{.source = Prefix::of(test::source(1), 22), .until = now + 1h, .soft = true};
    ASSERT_TRUE(enforcer.ban(std::array{soft}, now));
    EXPECT_TRUE(enforcer.get(soft.source)->value().soft);
    ASSERT_TRUE(enforcer.unban(std::array{soft.source}));
    EXPECT_TRUE(enforcer.list()->empty());
}

TEST_F(NftPrefixKernelTest, AnAllowedAddressPassesWithinABannedPrefix) {
    const Prefix around = Prefix::of(test::source(1), 24);
    ASSERT_TRUE(enforcer.allow(std::array{alone(5)}));
    ban(around);
    EXPECT_TRUE(passes(test::source(5)));
    EXPECT_FALSE(passes(test::source(6)));
}

TEST_F(NftPrefixKernelTest, ATableThatKnewOnlyAddressesGetsTheRestAndKeepsItsBans) {
    ASSERT_TRUE(enforcer.remove());
    shell(
        "nft 'add table inet farewell_test;"
        "add set inet farewell_test allow4 { type ipv4_addr; flags interval; };"
        "add set inet farewell_test allow6 { type ipv6_addr; flags interval; };"
        "add set inet farewell_test banned4 { type ipv4_addr; size 1048576; flags timeout; counter; };"
        "add set inet farewell_test banned6 { type ipv6_addr; size 1048576; flags timeout; counter; };"
        "add chain inet farewell_test prerouting { type filter hook prerouting priority -450; policy accept; "
        "};"
        "add rule inet farewell_test prerouting ip saddr @banned4 counter drop;"
        "add element inet farewell_test banned4 { 10.0.0.1 timeout 1h }'");
    ASSERT_TRUE(enforcer.build());
    EXPECT_FALSE(passes(test::source(1))) << "the old ban";
    ban(network6(1, 64));
    EXPECT_FALSE(passes(network6(1, 128).address));
    EXPECT_EQ(enforcer.list()->size(), 2U);
}

}  // namespace
}  // namespace farewell::enforce
