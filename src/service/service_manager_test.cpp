// SPDX-License-Identifier: GPL-2.0-or-later
#include "service/service_manager.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

#include "service/test_listener.hpp"

namespace farewell::service {
namespace {

class ServiceManagerTest : public testing::Test {
 protected:
    void TearDown() override {
        for (const char* name : {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"}) {
            unsetenv(name);  // NOLINT(concurrency-mt-unsafe)
        }
    }
    static void set(const char* name, const std::string& value) {
        setenv(name, value.c_str(), 1);  // NOLINT(concurrency-mt-unsafe)
    }
};

TEST_F(ServiceManagerTest, WithoutAnybodyToTellNothingHappens) {
    set("WATCHDOG_USEC", "1000000");
    const auto manager = ServiceManager::from_environment();
    EXPECT_FALSE(manager.is_there());
    EXPECT_FALSE(manager.watchdog()) << "nobody would hear it";
    manager.ready("");
}

TEST_F(ServiceManagerTest, SaysWhatTheProtocolWants) {
    const TestListener listener;
    set("NOTIFY_SOCKET", listener.address());
    const auto manager = ServiceManager::from_environment();
    ASSERT_TRUE(manager.is_there());
    manager.ready("2 bans\nno second line");
    EXPECT_EQ(listener.receive(), "READY=1\nSTATUS=2 bans no second line");
    manager.reloading();
    EXPECT_TRUE(listener.receive().starts_with("RELOADING=1\nMONOTONIC_USEC="));
    manager.status("3 bans");
    EXPECT_EQ(listener.receive(), "STATUS=3 bans");
    manager.status("taken by \033c");
    EXPECT_EQ(listener.receive(), "STATUS=taken by \\x1bc");
    manager.alive();
    EXPECT_EQ(listener.receive(), "WATCHDOG=1");
    manager.stopping();
    EXPECT_EQ(listener.receive(), "STOPPING=1\nSTATUS=stopping");
}

TEST_F(ServiceManagerTest, TheWatchdogIsForTheProcessThatItNames) {
    const TestListener listener;
    set("NOTIFY_SOCKET", listener.address());
    set("WATCHDOG_USEC", "30000000");
    EXPECT_EQ(ServiceManager::from_environment().watchdog(), std::chrono::seconds(30));
    set("WATCHDOG_PID", std::to_string(getpid()));
    EXPECT_EQ(ServiceManager::from_environment().watchdog(), std::chrono::seconds(30));
    set("WATCHDOG_PID", "1");
    EXPECT_FALSE(ServiceManager::from_environment().watchdog());
    unsetenv("WATCHDOG_PID");  // NOLINT(concurrency-mt-unsafe)
    set("WATCHDOG_USEC", "soon");
    EXPECT_FALSE(ServiceManager::from_environment().watchdog());
}

TEST_F(ServiceManagerTest, AnAddressThatIsNoneIsNobody) {
    set("NOTIFY_SOCKET", "relative/path");
    EXPECT_FALSE(ServiceManager::from_environment().is_there());
    set("NOTIFY_SOCKET", "/" + std::string(200, 'x'));
    EXPECT_FALSE(ServiceManager::from_environment().is_there());
}

}  // namespace
}  // namespace farewell::service
