// SPDX-License-Identifier: GPL-2.0-or-later
// The trap's text; that the kernel takes it is shown by nft_kernel_test and tests/e2e.
#include "nft/trap_text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "nft/table_text.hpp"

namespace farewell::nft {
namespace {

using testing::HasSubstr;
using testing::Not;

/// The lines that add rules to a chain.
std::string rules_of(const std::string& text, const std::string& chain) {
    const std::string prefix = "add rule inet t " + chain + " ";
    std::string rules;
    for (std::size_t at = text.find(prefix); at != std::string::npos; at = text.find(prefix, at + 1)) {
        const std::size_t begin = at + prefix.size();
        rules += text.substr(begin, text.find('\n', begin) - begin) + "\n";
    }
    return rules;
}

TEST(TrapText, AsksForASocketBehindTheAllowlistAndReportsTheRest) {
    const std::string text = trap_text("t", {.report = LogGroup{7}, .hesitation = Hesitation::off});
    EXPECT_EQ(rules_of(text, "trap_look6"),
              "ip6 saddr @allow6 accept\n"
              "meta l4proto { tcp, udp } socket transparent { 0, 1 } goto trap_open6\n"
              "goto trap_report6\n");
    EXPECT_EQ(rules_of(text, "trap_open6") + rules_of(text, "trap_hold6"), "") << "what is open passes";
    EXPECT_EQ(
        rules_of(text, "trap_report4"),
        "tcp flags & (fin | syn | rst | ack) == syn ip saddr . tcp dport @known_syn4 accept\n"
        "tcp flags & (fin | syn | rst | ack) == syn add @known_syn4 { ip saddr . tcp dport timeout 10s } "
        "jump trap_count4\n"
        "udp sport != { 53, 123, 137, 161, 443, 500, 853, 1900, 3478, 3702, 4500, 5353, 5355 } ip ttl > 30 "
        "ip saddr . udp sport . udp dport . udp length @known_udp4 accept\n"
        "udp sport != { 53, 123, 137, 161, 443, 500, 853, 1900, 3478, 3702, 4500, 5353, 5355 } ip ttl > 30 "
        "add @known_udp4 { ip saddr . udp sport . udp dport . udp length timeout 10s }\n"
        "log group 7\n");
    EXPECT_THAT(text, Not(HasSubstr("drop\n"))) << "it decides about nothing";
}

TEST(TrapText, SeesWhatIsInvalidBeforeAnybodyCanDropIt) {
    const std::string text = trap_text("t", {});
    EXPECT_THAT(text, HasSubstr("trap_early { type filter hook prerouting priority -198; policy accept; }"));
    EXPECT_THAT(text, HasSubstr("trap { type filter hook input priority -10; policy accept; }"));
    EXPECT_EQ(rules_of(text, "trap_early"), "ct state != invalid accept\nmeta l4proto tcp goto trap_look\n");
    EXPECT_EQ(rules_of(text, "trap"), "ct state { established, related, invalid } accept\ngoto trap_look\n");
}

TEST(TrapText, HoldsBareStacksAndSuspectsAsTold) {
    const std::string at_once =
        "tcp flags & (fin | syn | rst | ack) == syn ip saddr @opening4 ip saddr . tcp dport != @opening_at4 "
        "goto trap_hold4\n"
        "tcp flags & (fin | syn | rst | ack) == syn add @opening_at4 { ip saddr . tcp dport timeout 1ms } "
        "add @opening4 { ip saddr timeout 1ms }\n";
    const std::string bare = trap_text("t", {.hesitation = Hesitation::bare});
    EXPECT_EQ(rules_of(bare, "trap_open4"),
              "tcp flags & (fin | syn | rst | ack) == syn tcp option sack-perm missing goto trap_hold4\n"
              "ip saddr @suspect4 goto trap_hold4\n" +
                  at_once);
    const std::string suspects =
        trap_text("t", {.hesitation = Hesitation::suspects, .hold = std::chrono::seconds(5)});
    EXPECT_EQ(rules_of(suspects, "trap_open4"), "ip saddr @suspect4 goto trap_hold4\n" + at_once);
    EXPECT_THAT(rules_of(suspects, "trap_look4"), HasSubstr("update @suspect4 { ip saddr timeout 5000ms }"));
    EXPECT_THAT(rules_of(suspects, "trap_count4"),
                HasSubstr("update @tries4 { ip saddr timeout 5000ms limit rate over 1/hour burst 2 packets } "
                          "update @insistent4 { ip saddr timeout 5000ms }\n"));
    EXPECT_THAT(rules_of(suspects, "trap_look6"), HasSubstr("ack ip6 length 20 update @suspect6"));
}

TEST(TrapText, BrakesWhoAsksForSoManyPortsAtOnce) {
    const std::string text =
        trap_text("t", {.hesitation = Hesitation::off}, Brake{.ports = 7, .window = std::chrono::seconds(1)});
    EXPECT_EQ(rules_of(text, "trap_early"),
              "ct state { established, related } accept\n"
              "ip saddr @braked4 ip saddr != @allow4 goto trap_look\n"
              "ip6 saddr @braked6 ip6 saddr != @allow6 goto trap_look\n"
              "ct state != invalid accept\nmeta l4proto tcp goto trap_look\n");
    EXPECT_EQ(rules_of(text, "trap_brake"),
              "ct state { established, related } accept\n"
              "ip saddr @braked4 ip saddr != @allow4 counter drop\n"
              "ip6 saddr @braked6 ip6 saddr != @allow6 counter drop\n");
    EXPECT_EQ(rules_of(text, "trap_count4"),
              "add @burst4 { ip saddr timeout 1000ms limit rate over 1/hour burst 6 packets } "
              "update @braked4 { ip saddr timeout 1s }\n");
    EXPECT_EQ(rules_of(trap_text("t", {.hesitation = Hesitation::off}), "trap_count4"), "");
}

TEST(TrapText, TheBrakeAloneLooksAtSynsOnly) {
    const std::string text = brake_text("t", {.ports = 7, .window = std::chrono::seconds(2)});
    const std::string syn = "tcp flags & (fin | syn | rst | ack) == syn ";
    EXPECT_THAT(text, HasSubstr("delete chain inet t trap_early\n"));
    EXPECT_THAT(text, HasSubstr("delete set inet t suspect4\n"));
    EXPECT_THAT(text, Not(HasSubstr("delete set inet t burst4\n")));
    EXPECT_EQ(rules_of(text, "trap_brake"), syn + "ip saddr @braked4 ip saddr != @allow4 counter drop\n" +
                                                syn +
                                                "ip6 saddr @braked6 ip6 saddr != @allow6 counter drop\n");
    EXPECT_EQ(rules_of(text, "trap"), "iif \"lo\" accept\n" + syn + "fib daddr type local goto trap_look\n");
    EXPECT_EQ(rules_of(text, "trap_look6"),
              "ip6 saddr @allow6 accept\nsocket transparent { 0, 1 } accept\ngoto trap_report6\n");
    EXPECT_EQ(rules_of(text, "trap_report6"),
              syn + "ip6 saddr . tcp dport @known_syn6 accept\n" + syn +
                  "add @known_syn6 { ip6 saddr . tcp dport timeout 10s } jump trap_count6\n");
    EXPECT_EQ(rules_of(text, "trap_count6"),
              "add @burst6 { ip6 saddr timeout 2000ms limit rate over 1/hour burst 6 packets } "
              "update @braked6 { ip6 saddr timeout 1s }\n");
    EXPECT_THAT(text, Not(HasSubstr(" ct "))) << "no connections are tracked for it";
}

TEST(TrapText, ASourcesPacketsMeetOneQueue) {
    const std::string many = trap_text("t", {.report = Queues{.first = 4, .last = 7}});
    EXPECT_THAT(rules_of(many, "trap_report4"),
                HasSubstr("queue flags bypass to jhash ip saddr mod 4 offset 4\n"));
    EXPECT_THAT(rules_of(many, "trap_report6"),
                HasSubstr("queue flags bypass to jhash ip6 saddr mod 4 offset 4\n"));
    const std::string one = trap_text("t", {.report = Queues{.first = 2, .last = 2}});
    EXPECT_THAT(rules_of(one, "trap_report6"), HasSubstr("queue flags bypass to 2\n"));
}

TEST(TrapText, ForwardsOnlyWhereAsked) {
    EXPECT_THAT(trap_text("t", {}), HasSubstr("delete chain inet t trap_forward\n"));
    const std::string text =
        trap_text("t", {.report = LogGroup{7}, .forward4 = {"192.0.2.0/24", "10.0.0.0/8"}});
    EXPECT_THAT(text, HasSubstr("trap_forward { type filter hook forward priority -10; policy accept; }"));
    EXPECT_EQ(rules_of(text, "trap_forward"),
              "meta nfproto ipv4 meta l4proto { tcp, udp } goto trap_forward4\n");
    EXPECT_THAT(rules_of(text, "trap_forward4"),
                HasSubstr("ip daddr != { 192.0.2.0/24, 10.0.0.0/8 } accept\n"));
    EXPECT_THAT(rules_of(text, "trap_forward4"), testing::EndsWith("@asked_now4 accept\nlog group 7\n"));
}

TEST(TrapText, IsTakenOutWhole) {
    const std::string text = trap_text("t", {.forward4 = {"192.0.2.0/24"}});
    const std::string gone = no_trap_text("t");
    for (std::size_t at = text.find("add chain inet t "); at != std::string::npos;
         at = text.find("add chain inet t ", at + 1)) {
        const std::size_t begin = at + std::string("add chain inet t ").size();
        const std::string name = text.substr(begin, text.find_first_of(" \n", begin) - begin);
        EXPECT_THAT(gone, HasSubstr("delete chain inet t " + name + "\n"));
    }
    EXPECT_THAT(gone, Not(HasSubstr("add rule")));
}

TEST(TableText, HoldsBansATrapOrBoth) {
    const std::string observing = build_text("t", {.bans = false, .trap = Trap{}});
    EXPECT_THAT(observing, HasSubstr("add set inet t allow4"));
    EXPECT_THAT(observing, Not(HasSubstr("banned4")));
    EXPECT_THAT(observing, HasSubstr("hook input priority -10"));
    const std::string enforcing = build_text("t", {});
    EXPECT_THAT(enforcing, HasSubstr("@banned4 counter goto drop_banned4"));
    EXPECT_THAT(enforcing, HasSubstr("delete chain inet t trap\n")) << "what an earlier one left";
    EXPECT_EQ(replace_text("t", {}).find("add table inet t\ndelete table inet t\n"), 0U);
}

}  // namespace
}  // namespace farewell::nft
