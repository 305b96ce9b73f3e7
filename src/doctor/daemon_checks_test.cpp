// SPDX-License-Identifier: GPL-2.0-or-later
// Each check from both sides: healthy() is the one, what a test breaks of it the other.
#include <gtest/gtest.h>

#include <regex>
#include <set>
#include <string>

#include "doctor/test_facts.hpp"
#include "project_text.hpp"

namespace farewell::doctor {
namespace {

TEST(Doctor, AHealthyHostHasNothingToMend) {
    for (const Finding& each : judge(healthy())) {
        EXPECT_EQ(each.verdict, Verdict::well) << each.id << ": " << each.text;
        EXPECT_EQ(each.mend, "") << each.id;
    }
}

TEST(Doctor, TheManualExplainsEveryCheckAndNoOther) {
    const std::string manual = test::project_text("docs/troubleshooting.md");
    static const std::regex kHeading(R"(\n### `([a-z0-9-]+)`)");
    std::set<std::string> explained;
    for (std::sregex_iterator match(manual.begin(), manual.end(), kHeading), end; match != end; ++match) {
        EXPECT_TRUE(explained.insert((*match)[1]).second) << (*match)[1] << " twice";
    }
    std::set<std::string> known;
    for (const Check& check : checks()) {
        EXPECT_TRUE(known.emplace(check.id).second) << check.id << " twice";
    }
    EXPECT_EQ(explained, known);
}

TEST(DoctorDaemon, AnswersOrNot) {
    Facts facts = healthy();
    EXPECT_EQ(verdict(facts, "daemon"), Verdict::well);
    facts.daemon.reset();
    facts.answer = Answer::unreachable;
    facts.no_answer = "connect to /run/farewell/control.sock: No such file or directory";
    EXPECT_EQ(verdict(facts, "daemon"), Verdict::failure);
    EXPECT_EQ(mend(facts, "daemon"), "systemctl start farewell");
    EXPECT_NE(finding(facts, "daemon")->text.find("No such file"), std::string::npos);
    facts.has_systemd = false;
    EXPECT_EQ(mend(facts, "daemon"), "farewelld");
}

TEST(DoctorDaemon, WhoMayNotAskIsToldSoAndGetsNoVerdict) {
    Facts facts = healthy();
    facts.daemon.reset();
    facts.answer = Answer::no_permission;
    EXPECT_EQ(verdict(facts, "daemon"), Verdict::skipped);
    for (const char* id : {"bans-in-force", "losses", "history", "traffic", "config-loaded", "state"}) {
        EXPECT_EQ(verdict(facts, id), std::nullopt) << id;
    }
}

TEST(DoctorDaemon, IsTheOneThatIsInstalled) {
    Facts facts = healthy();
    EXPECT_EQ(verdict(facts, "version"), std::nullopt);
    facts.version = "1.2.4";
    EXPECT_EQ(finding(facts, "version")->text, "farewelld 1.2.3 runs, and 1.2.4 is installed");
    EXPECT_EQ(mend(facts, "version"), "systemctl restart farewell");
}

TEST(DoctorDaemon, TheUnitIsEnabled) {
    Facts facts = healthy();
    EXPECT_EQ(verdict(facts, "unit"), Verdict::well);
    facts.unit.is_enabled = false;
    EXPECT_EQ(mend(facts, "unit"), "systemctl enable farewell");
    facts.unit.is_installed = false;
    EXPECT_EQ(verdict(facts, "unit"), std::nullopt) << "started by something else";
}

TEST(DoctorConfig, NamesTheFirstMistake) {
    Facts facts = healthy();
    EXPECT_EQ(verdict(facts, "config"), Verdict::well);
    facts.config.reset();
    facts.config_errors = {"a.toml:3:1: error: unknown key `detect.windw`", "b", "c"};
    EXPECT_EQ(verdict(facts, "config"), Verdict::failure);
    EXPECT_EQ(finding(facts, "config")->text, "a.toml:3:1: error: unknown key `detect.windw` (and 2 more)");
    EXPECT_EQ(mend(facts, "config"), "farewell check-config");
}

TEST(DoctorConfig, AFileThatChangedOrCameNeedsAReload) {
    Facts facts = healthy();
    EXPECT_EQ(verdict(facts, "config-loaded"), Verdict::well);
    facts.config_files[0].modified = "2026-11-25T08:00:01.001Z";
    EXPECT_EQ(verdict(facts, "config-loaded"), Verdict::warning);
    EXPECT_EQ(mend(facts, "config-loaded"), "farewell reload");
    facts = healthy();
    facts.config_files.push_back(
        {.path = "/etc/farewell/conf.d/1.toml", .modified = "2026-01-01T00:00:00.000Z"});
    EXPECT_EQ(verdict(facts, "config-loaded"), Verdict::warning) << "one that is older may have come by mv";
}

TEST(DoctorConfig, WhatTakesARestartIsNamed) {
    EXPECT_EQ(verdict(healthy(), "config-restart"), std::nullopt);
    Facts facts = healthy();
    facts.config->capture.last_queue = 1;
    facts.config->history_enabled = false;
    EXPECT_EQ(verdict(facts, "config-restart"), Verdict::warning);
    EXPECT_NE(finding(facts, "config-restart")->text.find("capture.queues, history.enabled"),
              std::string::npos);
    facts = healthy();
    facts.config->capture.source = config::CaptureSource::nflog;
    EXPECT_NE(finding(facts, "config-restart")->text.find(": capture.source"), std::string::npos);
    facts.daemon->is_logged = true;
    facts.daemon->lanes = {7};
    EXPECT_EQ(verdict(facts, "config-restart"), std::nullopt);
}

TEST(DoctorConfig, ObservingIsSaidAndIsNoFault) {
    Facts facts = healthy();
    EXPECT_EQ(verdict(facts, "mode"), Verdict::well);
    facts.daemon->is_observing = true;
    EXPECT_EQ(verdict(facts, "mode"), Verdict::note);
    EXPECT_EQ(mend(facts, "mode"),
              "mkdir -p /etc/farewell/conf.d && printf 'mode = \"enforce\"\\n' > "
              "/etc/farewell/conf.d/60-mode.toml && systemctl restart farewell");
    facts.observes_by_command_line = true;
    EXPECT_NE(finding(facts, "mode")->text.find("--observe"), std::string::npos);
    EXPECT_EQ(mend(facts, "mode"), "") << "no file would overrule it";
    facts.daemon.reset();
    EXPECT_EQ(verdict(facts, "mode"), std::nullopt) << "nobody is banned by one that does not run";
}

TEST(DoctorBans, InForceOrNot) {
    Facts facts = healthy();
    facts.daemon->bans_wanted = facts.daemon->bans_enforced = 3;
    EXPECT_EQ(verdict(facts, "bans-in-force"), Verdict::well);
    facts.daemon->bans_enforced = 2;
    EXPECT_EQ(verdict(facts, "bans-in-force"), Verdict::failure);
    facts.daemon->bans_enforced = 3;
    facts.daemon->is_kernel_refusing = true;
    facts.daemon->trouble = "add table: Operation not permitted";
    EXPECT_EQ(verdict(facts, "bans-in-force"), Verdict::failure);
    EXPECT_NE(finding(facts, "bans-in-force")->text.find("not permitted"), std::string::npos);
    facts.daemon->is_observing = true;
    EXPECT_EQ(verdict(facts, "bans-in-force"), std::nullopt);
}

TEST(DoctorBans, LimitsThatWereReached) {
    Facts facts = healthy();
    EXPECT_EQ(verdict(facts, "bans-max"), std::nullopt);
    EXPECT_EQ(verdict(facts, "budget"), std::nullopt);
    EXPECT_EQ(verdict(facts, "flood"), std::nullopt);
    facts.daemon->bans_refused = 1;
    facts.daemon->is_budget_spent = true;
    facts.daemon->is_memory_short = true;
    EXPECT_EQ(verdict(facts, "bans-max"), Verdict::warning);
    EXPECT_EQ(verdict(facts, "budget"), Verdict::warning);
    EXPECT_EQ(verdict(facts, "flood"), Verdict::warning);
    EXPECT_NE(mend(facts, "flood").find("memory = \"64MiB\""), std::string::npos) << "four times as much";
}

TEST(DoctorPackets, Losses) {
    Facts facts = healthy();
    EXPECT_EQ(verdict(facts, "losses"), Verdict::well);
    facts.daemon->lost = 4;
    EXPECT_EQ(verdict(facts, "losses"), Verdict::warning);
    EXPECT_EQ(finding(facts, "losses")->text, "4 of 25 packets were lost before farewell could look at them");
}

TEST(DoctorPackets, AReceiveBufferSmallerThanAsked) {
    Facts facts = healthy();
    EXPECT_EQ(verdict(facts, "receive-buffer"), std::nullopt);
    facts.config->capture.receive_buffer = std::size_t{16} << 20U;
    EXPECT_EQ(verdict(facts, "receive-buffer"), Verdict::warning);
    EXPECT_TRUE(mend(facts, "receive-buffer").starts_with("sysctl -w net.core.rmem_max=16777216"));
    facts.config->capture.receive_buffer = std::size_t{64} << 10U;
    facts.daemon->receive_buffer_min = std::size_t{128} << 10U;
    EXPECT_EQ(verdict(facts, "receive-buffer"), std::nullopt) << "small, as it was asked";
    facts.config->capture.receive_buffer.reset();
    EXPECT_EQ(verdict(facts, "receive-buffer"), Verdict::warning) << "the kernel's default";
}

TEST(DoctorHistory, WrittenOrNot) {
    Facts facts = healthy();
    EXPECT_EQ(verdict(facts, "history"), Verdict::well);
    facts.daemon->history_trouble = "the disk is full";
    EXPECT_EQ(verdict(facts, "history"), Verdict::warning);
    EXPECT_EQ(mend(facts, "history"), "df -h /var/lib/farewell");
    facts.daemon->has_history = false;
    EXPECT_EQ(verdict(facts, "history"), Verdict::note);
}

TEST(DoctorState, HasRoomAndBelongsToTheDaemon) {
    Facts facts = healthy();
    EXPECT_EQ(verdict(facts, "state"), Verdict::well);
    facts.state.free_bytes = std::uint64_t{32} << 20U;
    EXPECT_EQ(mend(facts, "state"), "df -h /var/lib/farewell") << "the history may grow by 64 MiB";
    facts.daemon->history_bytes = std::size_t{40} << 20U;
    EXPECT_EQ(verdict(facts, "state"), Verdict::well) << "by 24 MiB";
    facts.state.is_daemons = false;
    EXPECT_EQ(mend(facts, "state"), "chown -R farewell /var/lib/farewell");
    facts.state.is_read_only = true;
    EXPECT_NE(finding(facts, "state")->text.find("read-only"), std::string::npos);
    facts.state.is_there = false;
    EXPECT_EQ(verdict(facts, "state"), std::nullopt);
}

TEST(DoctorMetrics, TheFileIsWritten) {
    Facts facts = healthy();
    EXPECT_EQ(verdict(facts, "metrics-file"), std::nullopt);
    facts.config->metrics_textfile = "/var/lib/prometheus/node-exporter/farewell.prom";
    facts.daemon->metrics_trouble = "write /var/…: Permission denied";
    EXPECT_EQ(verdict(facts, "metrics-file"), Verdict::warning);
    EXPECT_EQ(mend(facts, "metrics-file"), "setfacl -m u:farewell:rwx /var/lib/prometheus/node-exporter");
}

}  // namespace
}  // namespace farewell::doctor
