// SPDX-License-Identifier: GPL-2.0-or-later
#include <gtest/gtest.h>

#include "doctor/test_facts.hpp"

namespace farewell::doctor {
namespace {

TEST(DoctorHost, TheSshPeerIsProtected) {
    Facts facts = healthy();
    EXPECT_EQ(finding(facts, "ssh-peer")->text, "your SSH peer 192.0.2.50 is protected (logged-in peer)");
    facts.peer->protected_by.clear();
    EXPECT_EQ(verdict(facts, "ssh-peer"), Verdict::warning);
    EXPECT_EQ(mend(facts, "ssh-peer"), "farewell allow me");
    facts.peer.reset();
    EXPECT_EQ(verdict(facts, "ssh-peer"), std::nullopt);
}

TEST(DoctorHost, SomebodyIsOnTheAllowlist) {
    Facts facts = healthy();
    EXPECT_EQ(verdict(facts, "allowlist"), Verdict::well);
    facts.allowed = 0;
    EXPECT_EQ(verdict(facts, "allowlist"), Verdict::warning);
    EXPECT_EQ(mend(facts, "allowlist"), "farewell allow me");
    facts.peer.reset();
    EXPECT_EQ(mend(facts, "allowlist"), "farewell allow add ADDRESS");
    facts.allowed.reset();
    EXPECT_EQ(verdict(facts, "allowlist"), std::nullopt);
}

TEST(DoctorHost, ConnectionsAreTrackedAndThereIsRoom) {
    Facts facts = healthy();
    EXPECT_EQ(verdict(facts, "conntrack"), Verdict::well);
    facts.conntrack = Conntrack{.count = 89, .max = 100};
    EXPECT_EQ(verdict(facts, "conntrack"), Verdict::well);
    facts.conntrack->count = 90;
    EXPECT_EQ(verdict(facts, "conntrack"), Verdict::warning);
    EXPECT_EQ(mend(facts, "conntrack"), "sysctl -w net.netfilter.nf_conntrack_max=200");
    facts.conntrack.reset();
    EXPECT_EQ(mend(facts, "conntrack"), "modprobe nf_conntrack");
    facts.config->mode = config::Mode::observe;
    EXPECT_EQ(verdict(facts, "conntrack"), std::nullopt) << "nobody is banned softly";
}

TEST(DoctorHost, WhatIsWorthKnowingIsANote) {
    Facts facts = healthy();
    for (const char* id : {"flush-ruleset", "other-banners", "docker", "clock"}) {
        EXPECT_EQ(verdict(facts, id), std::nullopt) << id;
    }
    facts.flushing_file = "/etc/nftables.conf";
    facts.other_banners = {"fail2ban", "sshguard"};
    facts.has_docker = true;
    facts.is_clock_synchronised = false;
    for (const char* id : {"flush-ruleset", "other-banners", "docker", "clock"}) {
        EXPECT_EQ(verdict(facts, id), Verdict::note) << id;
    }
    EXPECT_NE(finding(facts, "other-banners")->text.find("fail2ban, sshguard"), std::string::npos);
    facts.is_clock_synchronised.reset();
    EXPECT_EQ(verdict(facts, "clock"), std::nullopt) << "not known";
}

}  // namespace
}  // namespace farewell::doctor
