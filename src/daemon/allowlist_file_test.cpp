// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/allowlist_file.hpp"

#include "daemon/control_answer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "report/address_text.hpp"

namespace farewell::daemon {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

core::Prefix network(std::string_view text) {
    return report::parse_prefix(text).value();
}

class AllowlistFileTest : public testing::Test {
 protected:
    AllowlistFileTest() { fs::create_directories(directory_); }
    ~AllowlistFileTest() override { fs::remove_all(directory_); }

    [[nodiscard]] AllowlistFile opened() const {
        auto file = AllowlistFile::open(path_);
        EXPECT_TRUE(file) << file.error();
        return std::move(*file);
    }

    fs::path directory_ = fs::temp_directory_path() / ("farewell-allowlist-" + std::to_string(getpid()));
    fs::path path_ = directory_ / "allowed";
};

TEST_F(AllowlistFileTest, RemembersWhatWasAdded) {
    AllowlistFile file = opened();
    EXPECT_TRUE(file.networks().empty());
    const std::chrono::sys_seconds since{std::chrono::seconds(1'790'000'000)};
    EXPECT_EQ(file.add({.network = network("192.0.2.0/24"), .since = since, .note = "the office"}), true);
    EXPECT_EQ(file.add({.network = network("2001:db8::7"), .since = since, .note = ""}), true);
    EXPECT_EQ(file.add({.network = network("192.0.2.0/24"), .since = since, .note = "again"}), false);

    const AllowlistFile again = opened();
    ASSERT_EQ(again.networks().size(), 2U);
    EXPECT_EQ(again.networks()[0].network, network("192.0.2.0/24"));
    EXPECT_EQ(again.networks()[0].since, since);
    EXPECT_EQ(again.networks()[0].note, "the office");
    EXPECT_EQ(again.networks()[1].network, network("2001:db8::7"));
    EXPECT_EQ(again.networks()[1].note, "");
}

TEST_F(AllowlistFileTest, ForgetsExactlyWhatWasRemoved) {
    AllowlistFile file = opened();
    static_cast<void>(file.add({.network = network("192.0.2.0/24"), .since = {}, .note = {}}));
    static_cast<void>(file.add({.network = network("192.0.2.7"), .since = {}, .note = {}}));
    EXPECT_EQ(file.remove(network("192.0.2.0/25")), false);
    EXPECT_EQ(file.remove(network("192.0.2.0/24")), true);
    const AllowlistFile again = opened();
    ASSERT_EQ(again.networks().size(), 1U);
    EXPECT_EQ(again.networks()[0].network, network("192.0.2.7"));
}

TEST_F(AllowlistFileTest, ANoteIsOneLineAndWholeCharacters) {
    EXPECT_EQ(note_of("a\nb\x1b[31m"), "a b [31m");
    const std::string cut = note_of(std::string(199, 'x') + "äöü");
    EXPECT_EQ(cut, std::string(199, 'x'));
    AllowlistFile file = opened();
    static_cast<void>(file.add({.network = network("192.0.2.7"), .since = {}, .note = "x\n192.0.2.8 1 y"}));
    EXPECT_EQ(opened().networks().size(), 1U);
}

TEST_F(AllowlistFileTest, ALineThatCannotBeReadIsAnErrorWithItsPlace) {
    std::ofstream(path_) << "# farewell\n192.0.2.7 1790000000 x\n192.0.2.300 1 y\n";
    const auto file = AllowlistFile::open(path_);
    ASSERT_FALSE(file);
    EXPECT_THAT(file.error(), HasSubstr(path_.string() + ":3: "));
    EXPECT_THAT(file.error(), HasSubstr("192.0.2.300"));
}

TEST_F(AllowlistFileTest, ADiskThatRefusesChangesNothing) {
    AllowlistFile file = opened();
    static_cast<void>(file.add({.network = network("192.0.2.7"), .since = {}, .note = {}}));
    fs::remove_all(directory_);
    const auto added = file.add({.network = network("192.0.2.8"), .since = {}, .note = {}});
    ASSERT_FALSE(added);
    EXPECT_THAT(added.error(), HasSubstr("No such file or directory"));
    EXPECT_FALSE(file.remove(network("192.0.2.7")));
    EXPECT_EQ(file.networks().size(), 1U);
}

TEST_F(AllowlistFileTest, HoldsOnlySoMany) {
    std::ofstream out(path_);
    for (std::size_t i = 0; i < AllowlistFile::kNetworksMax; ++i) {
        out << "10." << i / 65536 << "." << i / 256 % 256 << "." << i % 256 << " 1 \n";
    }
    out.close();
    AllowlistFile file = opened();
    const auto added = file.add({.network = network("192.0.2.8"), .since = {}, .note = {}});
    ASSERT_FALSE(added);
    EXPECT_THAT(added.error(), HasSubstr("as many as may be"));
}

}  // namespace
}  // namespace farewell::daemon
