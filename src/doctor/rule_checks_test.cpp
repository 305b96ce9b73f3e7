// SPDX-License-Identifier: GPL-2.0-or-later
#include <gtest/gtest.h>

#include "doctor/test_facts.hpp"

namespace farewell::doctor {
namespace {

TEST(DoctorRules, NoneAtAll) {
    Facts facts = healthy();
    EXPECT_EQ(verdict(facts, "rule"), Verdict::well);
    facts.deliveries->clear();
    EXPECT_EQ(verdict(facts, "rule"), Verdict::failure);
    EXPECT_EQ(finding(facts, "rule")->text,
              "no rule sends packets to queue 0-3: nothing will ever be detected");
    EXPECT_EQ(mend(facts, "rule"), "farewell ruleset print --hook nftables");
    EXPECT_EQ(verdict(facts, "rule-family"), std::nullopt) << "told once";
    facts.has_ufw = true;
    EXPECT_EQ(mend(facts, "rule"), "farewell ruleset print --hook ufw");
    facts.has_ufw = false;
    facts.has_firewalld = true;
    EXPECT_EQ(mend(facts, "rule"), "farewell ruleset print --hook firewalld");
}

TEST(DoctorRules, WhatCannotBeReadIsNeverWell) {
    Facts facts = healthy();
    facts.deliveries.reset();
    facts.no_ruleset = "netlink: Error: cache initialization failed: Invalid argument";
    EXPECT_EQ(verdict(facts, "rule"), Verdict::warning);
    facts.is_root = false;
    EXPECT_EQ(verdict(facts, "rule"), Verdict::skipped);
    EXPECT_EQ(mend(facts, "rule"), "sudo farewell doctor");
    for (const char* id :
         {"rule-family", "rule-numbers", "rule-bypass", "rule-reach", "rule-order", "forward"}) {
        EXPECT_EQ(verdict(facts, id), std::nullopt) << id;
    }
    facts = healthy();
    facts.deliveries->clear();
    facts.has_legacy4 = true;
    EXPECT_EQ(verdict(facts, "rule"), Verdict::warning) << "iptables-legacy may have one";
}

TEST(DoctorRules, TheTrapCounts) {
    Facts facts = healthy();
    DeliverySite trap = queue_rule();
    trap.table = facts.config->nft_table;
    trap.chain = "trap";
    trap.policy = "accept";
    trap.delivery.has_bypass = true;
    trap.is_after_established = false;
    facts.deliveries = {{trap}};
    EXPECT_EQ(verdict(facts, "rule"), Verdict::well);
    EXPECT_NE(finding(facts, "rule")->text.find("the trap"), std::string::npos);
    EXPECT_EQ(verdict(facts, "rule-bypass"), std::nullopt) << "it is right there";
    EXPECT_EQ(verdict(facts, "rule-order"), std::nullopt);
}

TEST(DoctorRules, OneFamilyOnly) {
    Facts facts = healthy();
    EXPECT_EQ(verdict(facts, "rule-family"), Verdict::well);
    facts.deliveries = {{compat_rule("ip")}};
    EXPECT_EQ(verdict(facts, "rule-family"), Verdict::failure);
    EXPECT_EQ(mend(facts, "rule-family"), "ip6tables-nft -A INPUT -j NFQUEUE --queue-balance 0:3");
    facts.deliveries = {{compat_rule("ip6")}};
    EXPECT_EQ(mend(facts, "rule-family"), "iptables-nft -A INPUT -j NFQUEUE --queue-balance 0:3");
    facts.deliveries = {{compat_rule("ip"), compat_rule("ip6")}};
    EXPECT_EQ(verdict(facts, "rule-family"), Verdict::well);
}

TEST(DoctorRules, IPv6IsNotMissedWhereThereIsNone) {
    Facts facts = healthy();
    facts.deliveries = {{compat_rule("ip")}};
    facts.has_ipv6 = false;
    EXPECT_EQ(verdict(facts, "rule-family"), Verdict::well);
    facts.has_ipv6 = true;
    facts.has_legacy6 = true;
    EXPECT_EQ(verdict(facts, "rule-family"), std::nullopt) << "ip6tables-legacy may have one";
}

TEST(DoctorRules, NumbersThatNobodyListensTo) {
    Facts facts = healthy();
    EXPECT_EQ(verdict(facts, "rule-numbers"), Verdict::well);
    facts.deliveries->front().delivery.first = 4;
    facts.deliveries->front().delivery.last = 5;
    EXPECT_EQ(verdict(facts, "rule-numbers"), Verdict::failure);
    EXPECT_NE(mend(facts, "rule-numbers").find("queues = \"4-5\""), std::string::npos);
    EXPECT_EQ(verdict(facts, "rule"), std::nullopt) << "told once, and never well";
    EXPECT_EQ(verdict(facts, "rule-family"), std::nullopt);
    facts.deliveries->front().delivery = {.is_queue = true, .first = 2, .last = 5};
    EXPECT_EQ(verdict(facts, "rule-numbers"), Verdict::failure) << "4 and 5";
    facts.deliveries->front().delivery = {.is_queue = true, .first = 1, .last = 2};
    EXPECT_EQ(verdict(facts, "rule-numbers"), Verdict::well) << "some of ours are enough";
    facts.deliveries->front().delivery = {.is_queue = false, .first = 7, .last = 7};
    EXPECT_NE(mend(facts, "rule-numbers").find("source = \"nflog\"\\ngroup = 7"), std::string::npos);
    facts.deliveries->front().delivery = {.is_queue = true, .is_known = false};
    EXPECT_EQ(verdict(facts, "rule-numbers"), Verdict::note);
}

TEST(DoctorRules, ARuleOfAnotherProgramMayStandBesideOurs) {
    Facts facts = healthy();
    DeliverySite other = queue_rule();
    other.delivery = {.is_queue = false, .first = 1, .last = 1};
    facts.deliveries->push_back(other);
    EXPECT_EQ(verdict(facts, "rule-numbers"), Verdict::well);
    DeliverySite ours = compat_rule("ip");
    other.takes_ipv4 = false;
    facts.deliveries = {{ours, other}};
    EXPECT_EQ(verdict(facts, "rule-family"), Verdict::failure)
        << "the other's rule does not watch IPv6 for us";
}

TEST(DoctorRules, BypassOpensAPolicyDropChain) {
    Facts facts = healthy();
    EXPECT_EQ(verdict(facts, "rule-bypass"), Verdict::well);
    facts.deliveries->front().delivery.has_bypass = true;
    EXPECT_EQ(verdict(facts, "rule-bypass"), Verdict::failure);
    EXPECT_EQ(
        mend(facts, "rule-bypass"),
        "nft -a list chain inet firewall input  # then: nft replace rule inet firewall input handle 9 … "
        "without bypass");
    facts.deliveries->front().policy = "accept";
    EXPECT_EQ(verdict(facts, "rule-bypass"), Verdict::well) << "what that chain would do anyway";
    facts.deliveries = {{compat_rule("ip6")}};
    facts.deliveries->front().delivery.has_bypass = true;
    EXPECT_EQ(mend(facts, "rule-bypass"), "ip6tables-nft -R INPUT 5 -j NFQUEUE --queue-balance 0:3");
    facts.deliveries->front().is_for_all = false;
    EXPECT_TRUE(mend(facts, "rule-bypass").starts_with("ip6tables-nft -S INPUT"))
        << "it says more than a target";
}

TEST(DoctorRules, AcceptingVerdictsOpenAPolicyDropChain) {
    Facts facts = healthy();
    EXPECT_EQ(verdict(facts, "rule-verdict"), std::nullopt);
    facts.config->capture.verdict = config::CaptureVerdict::accept;
    EXPECT_EQ(verdict(facts, "rule-verdict"), Verdict::failure);
    facts.config->trap.enabled = true;
    EXPECT_EQ(verdict(facts, "rule-verdict"), std::nullopt) << "the trap's own way";
}

TEST(DoctorRules, OneThatGetsNothingOrEverything) {
    Facts facts = healthy();
    EXPECT_EQ(verdict(facts, "rule-reach"), std::nullopt);
    EXPECT_EQ(verdict(facts, "rule-order"), std::nullopt);
    facts.deliveries->front().is_reachable = false;
    EXPECT_EQ(verdict(facts, "rule-reach"), Verdict::failure);
    EXPECT_EQ(mend(facts, "rule-reach"), "nft -a list chain inet firewall input");
    facts.deliveries->front().is_reachable = true;
    facts.deliveries->front().is_after_established = false;
    EXPECT_EQ(verdict(facts, "rule-order"), Verdict::warning);
    EXPECT_EQ(mend(facts, "rule-order"),
              "nft insert rule inet firewall input ct state established,related accept");
}

TEST(DoctorRules, AQueueOfSomebodyElse) {
    Facts facts = healthy();
    EXPECT_EQ(verdict(facts, "queue-owner"), std::nullopt);
    facts.foreign_owners = {{.number = 2, .pid = 4711, .name = "suricata"}};
    EXPECT_EQ(verdict(facts, "queue-owner"), Verdict::failure);
    EXPECT_EQ(finding(facts, "queue-owner")->text,
              "queue 2 belongs to suricata (process 4711): farewelld cannot listen to it");
    EXPECT_EQ(mend(facts, "queue-owner"), "kill 4711");
}

TEST(DoctorRules, SilenceIsWorthANote) {
    Facts facts = healthy();
    EXPECT_EQ(verdict(facts, "traffic"), Verdict::well);
    facts.daemon->packets = 0;
    EXPECT_EQ(verdict(facts, "traffic"), Verdict::note);
}

TEST(DoctorRules, AGatewayIsToldWhatIsNotSeen) {
    Facts facts = healthy();
    EXPECT_EQ(verdict(facts, "forward"), std::nullopt);
    facts.is_forwarding = true;
    EXPECT_EQ(verdict(facts, "forward"), Verdict::note);
    DeliverySite forward = queue_rule();
    forward.hook = "forward";
    facts.deliveries->push_back(forward);
    EXPECT_EQ(verdict(facts, "forward"), Verdict::well);
}

}  // namespace
}  // namespace farewell::doctor
