// SPDX-License-Identifier: MIT
// What a packet costs in user instructions, counted and not timed: the same on every machine, however busy.
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <string>

namespace farewell::nfq {
namespace {

/// Instructions of a run of cost_probe; 0, and a failure, where they could not be counted.
double instructions_for(int batches) {
    const std::string command = std::string(VALGRIND " --tool=callgrind --callgrind-out-file=/dev/null ") +
                                COST_PROBE + " " + std::to_string(batches) + " 2>&1";
    FILE* const output = popen(command.c_str(), "r");  // NOLINT(cert-env33-c): a test's own program
    if (output == nullptr) {
        ADD_FAILURE() << command;
        return 0;
    }
    std::string text;
    for (int c = std::fgetc(output); c != EOF; c = std::fgetc(output)) {
        text += static_cast<char>(c);
    }
    EXPECT_EQ(pclose(output), 0) << text;
    constexpr std::string_view kLabel = "Collected :";
    const std::size_t at = text.find(kLabel);
    if (at == std::string::npos) {
        ADD_FAILURE() << text;
        return 0;
    }
    return std::strtod(text.c_str() + at + kLabel.size(), nullptr);
}

TEST(Cost, OfAPacketInAFullBatch) {
    if (std::string_view(VALGRIND).empty()) {
        GTEST_SKIP() << "needs valgrind";
    }
    constexpr int kFew = 100;
    constexpr int kMany = 1100;
    constexpr double kPackets = 64.0 * (kMany - kFew);
    const double instructions = (instructions_for(kMany) - instructions_for(kFew)) / kPackets;
    RecordProperty("instructions_per_packet", std::to_string(instructions));
    EXPECT_GT(instructions, 10) << "or nothing was counted";
    EXPECT_LE(instructions, 120);
}

}  // namespace
}  // namespace farewell::nfq
