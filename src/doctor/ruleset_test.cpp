// SPDX-License-Identifier: GPL-2.0-or-later
// Listings as nft prints them, native statements and iptables' own, and what doctor makes of them.
#include "doctor/ruleset.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "doctor/delivery_site.hpp"

namespace farewell::doctor {
namespace {

struct Lines {
    std::vector<std::string> entries;

    Lines& base(const std::string& name, const std::string& hook, const std::string& policy,
                const std::string& family = "inet") {
        entries.push_back(R"({"chain": {"family": ")" + family + R"(", "table": "t", "name": ")" + name +
                          R"(", "handle": 1, "type": "filter", "hook": ")" + hook +
                          R"(", "prio": 0, "policy": ")" + policy + R"("}})");
        return *this;
    }
    Lines& chain(const std::string& name) {
        entries.push_back(R"({"chain": {"family": "inet", "table": "t", "name": ")" + name +
                          R"(", "handle": 1}})");
        return *this;
    }
    Lines& rule(const std::string& chain, const std::string& expressions,
                const std::string& family = "inet") {
        entries.push_back(R"({"rule": {"family": ")" + family + R"(", "table": "t", "chain": ")" + chain +
                          R"(", "handle": )" + std::to_string(++handle) + R"(, "expr": [)" + expressions +
                          "]}}");
        return *this;
    }
    [[nodiscard]] std::string json() const {
        std::string text = R"({"nftables": [{"metainfo": {"version": "1.0.6", "json_schema_version": 1}}, )"
                           R"({"table": {"family": "inet", "name": "t", "handle": 1}})";
        for (const std::string& entry : entries) {
            text += ", " + entry;
        }
        return text + "]}";
    }
    int handle = 1;
};

const std::string kLoopback =
    R"({"match": {"op": "==", "left": {"meta": {"key": "iif"}}, "right": "lo"}}, {"accept": null})";
const std::string kEstablished =
    R"({"match": {"op": "in", "left": {"ct": {"key": "state"}}, "right": ["established", "related"]}}, {"accept": null})";
const std::string kQueue =
    R"({"counter": {"packets": 3, "bytes": 180}}, {"queue": {"num": {"range": [0, 3]}}})";

std::vector<DeliverySite> sites_of(const Lines& lines, const std::string& text = "") {
    const auto ruleset = parse_ruleset(lines.json(), text);
    EXPECT_TRUE(ruleset) << ruleset.error();
    return ruleset ? find_deliveries(*ruleset) : std::vector<DeliverySite>();
}

/// The one delivery of a rule made of these expressions.
Delivery delivery_of(const std::string& expressions) {
    const auto sites = sites_of(Lines().base("input", "input", "drop").rule("input", expressions));
    EXPECT_EQ(sites.size(), 1U) << expressions;
    return sites.empty() ? Delivery() : sites.front().delivery;
}

TEST(Ruleset, TheArticlesFirewall) {
    const auto sites = sites_of(Lines()
                                    .base("input", "input", "drop")
                                    .rule("input", kLoopback)
                                    .rule("input", kEstablished)
                                    .rule("input", kQueue));
    ASSERT_EQ(sites.size(), 1U);
    const DeliverySite& site = sites.front();
    EXPECT_EQ(site.delivery, (Delivery{.is_queue = true, .first = 0, .last = 3}));
    EXPECT_TRUE(site.takes_ipv4 && site.takes_ipv6);
    EXPECT_EQ(site.hook, "input");
    EXPECT_EQ(site.policy, "drop");
    EXPECT_EQ(site.position, 3U);
    EXPECT_TRUE(site.is_reachable && site.is_after_established && site.is_for_all);
    EXPECT_FALSE(site.is_compat);
}

TEST(Ruleset, EveryFormOfTheQueueStatement) {
    EXPECT_EQ(delivery_of(R"({"queue": null})"), (Delivery{.is_queue = true}));
    EXPECT_EQ(delivery_of(R"({"queue": {"num": 5}})"), (Delivery{.is_queue = true, .first = 5, .last = 5}));
    EXPECT_EQ(delivery_of(R"({"queue": {"num": 5, "flags": "bypass"}})"),
              (Delivery{.is_queue = true, .first = 5, .last = 5, .has_bypass = true}));
    EXPECT_EQ(delivery_of(R"({"queue": {"num": {"range": [2, 3]}, "flags": ["bypass", "fanout"]}})"),
              (Delivery{.is_queue = true, .first = 2, .last = 3, .has_bypass = true}));
    EXPECT_EQ(delivery_of(R"({"queue": {"num": {"range": [2, 3]}, "flags": "fanout"}})"),
              (Delivery{.is_queue = true, .first = 2, .last = 3}));
    EXPECT_EQ(delivery_of(
                  R"({"queue": {"num": {"jhash": {"mod": 4, "offset": 8, "expr": {}}}, "flags": "bypass"}})"),
              (Delivery{.is_queue = true, .first = 8, .last = 11, .has_bypass = true}));
    EXPECT_FALSE(delivery_of(R"({"queue": {"num": {"map": {"key": {}, "data": {}}}}})").is_known);
}

TEST(Ruleset, LogGroups) {
    EXPECT_EQ(delivery_of(R"({"log": {"prefix": "x", "group": 7, "snaplen": 80}}, {"drop": null})"),
              (Delivery{.is_queue = false, .first = 7, .last = 7}));
    EXPECT_TRUE(sites_of(Lines().base("input", "input", "drop").rule("input", R"({"log": null})")).empty())
        << "the kernel's own log";
}

TEST(Ruleset, Families) {
    const auto sites = sites_of(
        Lines()
            .base("input", "input", "drop")
            .rule("input",
                  R"({"match": {"op": "==", "left": {"meta": {"key": "nfproto"}}, "right": "ipv4"}}, )" +
                      kQueue)
            .rule("input",
                  R"({"match": {"op": "==", "left": {"payload": {"protocol": "ip6", "field": "saddr"}}, )"
                  R"("right": "2001:db8::1"}}, )" +
                      kQueue)
            .base("INPUT", "input", "accept", "ip6")
            .rule("INPUT", kQueue, "ip6"));
    ASSERT_EQ(sites.size(), 3U);
    EXPECT_TRUE(sites[0].takes_ipv4 && !sites[0].takes_ipv6);
    EXPECT_TRUE(!sites[1].takes_ipv4 && sites[1].takes_ipv6);
    EXPECT_TRUE(!sites[2].takes_ipv4 && sites[2].takes_ipv6);
    EXPECT_FALSE(sites[0].is_for_all);
}

TEST(Ruleset, ARuleBehindOneThatDecidesOnAllGetsNothing) {
    const auto behind = [](const std::string& before) {
        const auto sites =
            sites_of(Lines().base("input", "input", "drop").rule("input", before).rule("input", kQueue));
        return !sites.empty() && sites.back().is_reachable;
    };
    EXPECT_FALSE(behind(R"({"accept": null})"));
    EXPECT_FALSE(
        behind(R"({"counter": {"packets": 0, "bytes": 0}}, {"log": {"level": "info"}}, {"drop": null})"));
    EXPECT_FALSE(behind(R"({"reject": {"type": "icmpx", "expr": "port-unreachable"}})"));
    EXPECT_FALSE(behind(R"({"queue": {"num": 9}})"));
    EXPECT_TRUE(behind(kLoopback));
    EXPECT_TRUE(behind(R"({"limit": {"rate": 5, "per": "second"}}, {"drop": null})"));
    EXPECT_TRUE(behind(R"({"log": {"group": 4}})"));
}

TEST(Ruleset, WhetherConnectionsWereAcceptedBefore) {
    const auto after = [](const std::string& before, const std::string& rule) {
        const auto sites =
            sites_of(Lines().base("input", "input", "drop").rule("input", before).rule("input", rule));
        EXPECT_EQ(sites.size(), 1U);
        return !sites.empty() && sites.front().is_after_established;
    };
    EXPECT_TRUE(after(kEstablished, kQueue));
    EXPECT_FALSE(after(kLoopback, kQueue));
    EXPECT_TRUE(
        after(R"({"vmap": {"key": {"ct": {"key": "state"}}, "data": {"set": [["invalid", {"drop": null}],
                        ["established", {"accept": null}], ["related", {"accept": null}]]}}})",
              kQueue));
    EXPECT_FALSE(after(
        R"({"vmap": {"key": {"ct": {"key": "state"}}, "data": {"set": [["invalid", {"drop": null}]]}}})",
        kQueue));
    EXPECT_TRUE(after(
        kLoopback, R"({"match": {"op": "in", "left": {"ct": {"key": "state"}}, "right": "new"}}, )" + kQueue))
        << "it is for new ones only";
    EXPECT_FALSE(
        after(R"({"match": {"op": "!=", "left": {"ct": {"key": "state"}}, "right": "established"}}, )"
              R"({"accept": null})",
              kQueue));
}

TEST(Ruleset, JumpsAreFollowed) {
    Lines lines;
    lines.base("input", "input", "drop").chain("before").chain("after").chain("nowhere");
    lines.rule("input", R"({"jump": {"target": "before"}})")
        .rule("input", R"({"jump": {"target": "after"}})");
    lines.rule("before", kEstablished).rule("before", R"({"return": null})").rule("before", kQueue);
    lines.rule("after", kQueue).rule("nowhere", kQueue);
    const auto sites = sites_of(lines);
    ASSERT_EQ(sites.size(), 1U) << "behind a return and where nothing leads to there is no packet";
    EXPECT_EQ(sites[0].chain, "after");
    EXPECT_EQ(sites[0].policy, "drop") << "of the chain that packets come from";
    EXPECT_TRUE(sites[0].is_after_established);
}

TEST(Ruleset, AConditionalJumpPromisesNothing) {
    Lines lines;
    lines.base("input", "input", "drop").chain("web");
    lines.rule(
        "input",
        R"({"match": {"op": "==", "left": {"payload": {"protocol": "tcp", "field": "dport"}}, "right": 80}},
                           {"jump": {"target": "web"}})");
    lines.rule("input", kQueue).rule("web", kEstablished).rule("web", R"({"drop": null})");
    const auto sites = sites_of(lines);
    ASSERT_EQ(sites.size(), 1U);
    EXPECT_TRUE(sites[0].is_reachable);
    EXPECT_FALSE(sites[0].is_after_established);
}

TEST(Ruleset, ChainsThatJumpInACircleEnd) {
    Lines lines;
    lines.base("input", "input", "drop").chain("a").chain("b");
    lines.rule("input", R"({"jump": {"target": "a"}})").rule("a", R"({"jump": {"target": "b"}})");
    lines.rule("a", R"({"jump": {"target": "b"}})").rule("b", R"({"jump": {"target": "a"}})");
    EXPECT_TRUE(sites_of(lines).empty());
}

// As nft -j prints what iptables-nft made: names alone. The text has the rest.

constexpr const char* kCompatText = R"(table ip t { # handle 1
	chain INPUT { # handle 1
		type filter hook input priority filter; policy drop;
		iifname "lo" counter accept # handle 2
		ct state related,established counter accept # handle 3
		counter queue num 0-3 bypass # handle 4
	}
}
)";

TEST(Ruleset, ThatIptablesMade) {
    Lines lines;
    lines.base("INPUT", "input", "drop", "ip");
    lines.rule("INPUT", kLoopback, "ip");
    lines.rule("INPUT",
               R"({"xt": {"type": "match", "name": "conntrack"}}, {"counter": {"packets": 0, "bytes": 0}},
                           {"accept": null})",
               "ip");
    lines.rule("INPUT",
               R"({"counter": {"packets": 0, "bytes": 0}}, {"xt": {"type": "target", "name": "NFQUEUE"}})",
               "ip");
    const auto sites = sites_of(lines, kCompatText);
    ASSERT_EQ(sites.size(), 1U);
    EXPECT_EQ(sites[0].delivery, (Delivery{.is_queue = true, .first = 0, .last = 3, .has_bypass = true}));
    EXPECT_TRUE(sites[0].is_compat);
    EXPECT_TRUE(sites[0].is_for_all);
    EXPECT_TRUE(sites[0].is_after_established);
    EXPECT_TRUE(sites[0].takes_ipv4 && !sites[0].takes_ipv6);

    const auto unread = sites_of(lines, "");
    ASSERT_EQ(unread.size(), 1U);
    EXPECT_FALSE(unread[0].delivery.is_known) << "an nft that knows nothing of iptables";
}

TEST(Ruleset, WhatIsNoListingIsAnError) {
    EXPECT_FALSE(parse_ruleset("", ""));
    EXPECT_FALSE(parse_ruleset("{}", ""));
    EXPECT_FALSE(
        parse_ruleset(Lines().base("input", "input", "drop").rule("input", R"({"jump": null})").json(), ""));
    EXPECT_TRUE(parse_ruleset(R"({"nftables": []})", "table ip t {")->chains.empty());
}

}  // namespace
}  // namespace farewell::doctor
