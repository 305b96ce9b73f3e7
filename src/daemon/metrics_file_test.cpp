// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/metrics_file.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <chrono>
#include <fstream>
#include <sstream>

namespace farewell::daemon {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

class MetricsFileTest : public testing::Test {
 protected:
    void SetUp() override {
        std::string name = (fs::temp_directory_path() / "farewell-metrics-XXXXXX").string();
        ASSERT_NE(mkdtemp(name.data()), nullptr);
        directory = name;
    }
    void TearDown() override { fs::remove_all(directory); }

    [[nodiscard]] std::string content() const {
        const std::ifstream file(directory / "sub/farewell.prom");
        std::ostringstream text;
        text << file.rdbuf();
        return text.str();
    }
    template <typename Condition>
    static bool wait_until(Condition condition) {
        const auto limit = std::chrono::steady_clock::now() + 10s;
        while (!condition()) {
            if (std::chrono::steady_clock::now() > limit) {
                return false;
            }
            std::this_thread::yield();
        }
        return true;
    }

    fs::path directory;
};

TEST_F(MetricsFileTest, HoldsTheLatestPageForEverybodyToRead) {
    fs::create_directory(directory / "sub");
    MetricsFile file(directory / "sub/farewell.prom");
    for (const char* page : {"one\n", "two\n"}) {
        file.post([page] { return std::string(page); });
        EXPECT_TRUE(wait_until([&] { return content() == page; }));
    }
    struct stat status{};
    ASSERT_EQ(stat((directory / "sub/farewell.prom").c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777U, 0644U);
    EXPECT_EQ(std::distance(fs::directory_iterator(directory / "sub"), fs::directory_iterator()), 1)
        << "nothing is left beside it";
}

TEST_F(MetricsFileTest, CountsWhatCannotBeWrittenAndRecovers) {
    MetricsFile file(directory / "sub/farewell.prom");
    for (std::uint64_t failures = 1; failures <= 2; ++failures) {
        file.post([] { return std::string("lost\n"); });
        ASSERT_TRUE(wait_until([&] { return file.status().failures == failures; }));
    }
    EXPECT_NE(file.status().trouble.find("No such file or directory"), std::string::npos);
    fs::create_directory(directory / "sub");
    file.post([] { return std::string("written\n"); });
    ASSERT_TRUE(wait_until([&] { return file.status().trouble.empty(); }));
    EXPECT_EQ(content(), "written\n");
    EXPECT_EQ(file.status().failures, 2U);
}

TEST_F(MetricsFileTest, EndsWhileAPageWaits) {
    fs::create_directory(directory / "sub");
    MetricsFile file(directory / "sub/farewell.prom");
    file.post([] { return std::string("one\n"); });
    file.post([] { return std::string("two\n"); });
}

}  // namespace
}  // namespace farewell::daemon
