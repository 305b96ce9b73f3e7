// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/doctor_screen.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace farewell::cli {
namespace {

using doctor::Finding;
using doctor::Verdict;
using report::ExitStatus;

const Finding kWell{.verdict = Verdict::well, .text = "all bans are in force", .mend = "", .id = "a"};
const Finding kNote{.verdict = Verdict::note, .text = "worth knowing", .mend = "", .id = "b"};
const Finding kSkipped{
    .verdict = Verdict::skipped, .text = "needs root", .mend = "sudo farewell doctor", .id = "c"};
const Finding kWarning{.verdict = Verdict::warning, .text = "odd", .mend = "do this", .id = "d"};
const Finding kFailure{.verdict = Verdict::failure, .text = "wrong", .mend = "do that", .id = "e"};

TEST(DoctorScreen, TheWorstComesFirstWithWhatMendsIt) {
    EXPECT_EQ(doctor_screen({kWell, kNote, kSkipped, kWarning, kFailure}, Paint(false)),
              "✘ wrong     → do that\n"
              "! odd     → do this\n"
              "? needs root     → sudo farewell doctor\n"
              "! worth knowing\n"
              "✔ all bans are in force\n"
              "1 failure, 1 warning, 1 not looked at\n");
}

TEST(DoctorScreen, ALongCommandHasItsOwnLine) {
    const Finding finding{
        .verdict = Verdict::failure, .text = std::string(60, 'x'), .mend = std::string(60, 'y'), .id = "a"};
    EXPECT_EQ(doctor_screen({finding, kFailure}, Paint(false)), "✘ " + std::string(60, 'x') + "\n    → " +
                                                                    std::string(60, 'y') +
                                                                    "\n✘ wrong     → do that\n2 failures\n");
}

TEST(DoctorScreen, NamesFromOutsideSteerNoTerminal) {
    const Finding finding{
        .verdict = Verdict::failure, .text = "taken by \033c", .mend = "systemctl stop \033c", .id = "a"};
    EXPECT_EQ(doctor_screen({finding}, Paint(false)),
              "✘ taken by \\x1bc     → systemctl stop \\x1bc\n1 failure\n");
}

TEST(DoctorScreen, NotesAloneAreAllWell) {
    EXPECT_TRUE(
        doctor_screen({kWell, kNote}, Paint(false)).ends_with("✔ all bans are in force\nall is well\n"));
}

TEST(DoctorStatus, IsTheWorstVerdicts) {
    EXPECT_EQ(doctor_status({kWell, kNote}), ExitStatus::ok);
    EXPECT_EQ(doctor_status({kWell, kSkipped}), ExitStatus::no_permission);
    EXPECT_EQ(doctor_status({kSkipped, kWarning}), ExitStatus::degraded);
    EXPECT_EQ(doctor_status({kSkipped, kWarning, kFailure}), ExitStatus::failure);
}

TEST(DoctorDocument, HasEveryFindingAndCountsThem) {
    const nlohmann::json document = doctor_document({kWell, kWarning});
    EXPECT_EQ(document.at("schema"), "farewell/doctor/v1");
    EXPECT_EQ(document.at("warnings"), 1);
    EXPECT_EQ(document.at("failures"), 0);
    EXPECT_EQ(document.at("findings").at(0),
              (nlohmann::json{{"id", "d"}, {"verdict", "warning"}, {"text", "odd"}, {"mend", "do this"}}));
}

}  // namespace
}  // namespace farewell::cli
