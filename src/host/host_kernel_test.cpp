// SPDX-License-Identifier: GPL-2.0-or-later
// The real kernel, in a network namespace of the test's own: what changes is noticed, and without privileges.
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>  // NOLINT(modernize-deprecated-headers): mkdtemp is POSIX's
#include <sys/socket.h>
#include <unistd.h>
#include <utmpx.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "core/decode.hpp"
#include "host/host_watch.hpp"
#include "host/small_file.hpp"
#include "host/test_messages.hpp"
#include "netlink/kernel_test_world.hpp"

namespace farewell::host {
namespace {

using namespace std::chrono_literals;
using core::Port;

constexpr WallTime kWall{1'790'000'000s};

/// A socket that listens until it goes.
class Listener {
 public:
    Listener(int type, std::uint16_t port, std::uint32_t own = INADDR_ANY) : fd_(socket(AF_INET, type, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        address.sin_addr.s_addr = htonl(own);
        const auto* const generic = reinterpret_cast<const sockaddr*>(&address);  // NOLINT: the socket API
        EXPECT_EQ(bind(fd_, generic, sizeof address), 0);
        EXPECT_TRUE(type != SOCK_STREAM || listen(fd_, 1) == 0);
    }
    ~Listener() { close(fd_); }
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;

 private:
    int fd_;
};

Port tcp(std::uint16_t number) {
    return {.protocol = core::protocol::kTcp, .number = number};
}
Port udp(std::uint16_t number) {
    return {.protocol = core::protocol::kUdp, .number = number};
}

class HostKernelTest : public KernelTest {
 protected:
    void SetUp() override {
        KernelTest::SetUp();
        if (IsSkipped()) {
            return;
        }
        std::string name = (std::filesystem::temp_directory_path() / "farewell-test-XXXXXX").string();
        ASSERT_NE(mkdtemp(name.data()), nullptr);
        directory = name;
        shell("ip link add one type veth peer name two && ip link set two up && ip link set one up");
    }
    void TearDown() override {
        if (!directory.empty()) {
            ASSERT_EQ(seteuid(0), 0);
            std::filesystem::remove_all(directory);
        }
    }

    [[nodiscard]] HostSettings settings() const {
        return {.remember_services = 24h,
                .services_file = directory / "services",
                .resolver_files = {directory / "resolv.conf"},
                .protect_sessions = true,
                .login_records = [this] { return records; }};
    }
    HostWatch open() {
        HostWatch watch = HostWatch::open(settings(), now, kWall).value();
        static_cast<void>(watch.refresh(now));
        return watch;
    }
    /// Does as the daemon does until `holds`, on a clock that runs as fast as we poll it.
    bool wait_until(HostWatch& watch, const std::function<bool(const core::Knowledge&)>& holds) {
        const auto limit = std::chrono::steady_clock::now() + 10s;
        while (std::chrono::steady_clock::now() < limit) {
            pollfd changed{.fd = watch.fd(), .events = POLLIN, .revents = 0};
            if (poll(&changed, 1, 20) > 0) {
                watch.on_readable();
            }
            now += 1s;
            static_cast<void>(watch.refresh(now));
            watch.save_if_due(now, kWall);
            if (holds(*watch.knowledge())) {
                return true;
            }
        }
        return false;
    }

    core::Time now{1h};
    std::filesystem::path directory;
    LoginRecords records;
};

TEST_F(HostKernelTest, AddressesComeAndGo) {
    HostWatch watch = open();
    EXPECT_TRUE(watch.knowledge()->is_own(address("127.0.0.1")));
    EXPECT_FALSE(watch.knowledge()->is_own(address("198.18.7.2")));
    shell("ip address add 198.18.7.2/24 dev one && ip address add 2001:db8::2/64 dev one nodad");
    EXPECT_TRUE(wait_until(watch, [](const core::Knowledge& known) {
        return known.is_own(address("198.18.7.2")) && known.is_own(address("2001:db8::2")) &&
               known.is_on_link(address("198.18.7.77")) && known.is_on_link(address("2001:db8::77")) &&
               known.is_broadcast(address("198.18.7.255"));
    }));
    EXPECT_FALSE(watch.knowledge()->is_on_link(address("198.18.8.1")));
    shell("ip address del 198.18.7.2/24 dev one");
    EXPECT_TRUE(wait_until(watch, [](const core::Knowledge& known) {
        return !known.is_own(address("198.18.7.2")) && !known.is_broadcast(address("198.18.7.255")) &&
               !known.is_on_link(address("198.18.7.77"));
    }));
    EXPECT_TRUE(watch.knowledge()->is_own(address("2001:db8::2")));
    EXPECT_TRUE(watch.take_complaints().empty());
}

TEST_F(HostKernelTest, InterfacesAreKnownByName) {
    HostWatch watch = open();
    const auto index_of = [&watch](std::string_view name) {
        const auto& interfaces = watch.knowledge()->facts().interfaces;
        const auto found = std::ranges::find(interfaces, name, &core::Knowledge::Interface::name);
        return found == interfaces.end() ? 0 : found->index;
    };
    EXPECT_EQ(index_of("lo"), 1U);
    const std::uint32_t one = index_of("one");
    ASSERT_NE(one, 0U);
    EXPECT_EQ(watch.knowledge()->interface_name(one), "one");
    EXPECT_EQ(watch.knowledge()->interface_name(one + 1000), "");
    shell("ip link set one down && ip link set one name uno");
    EXPECT_TRUE(wait_until(
        watch, [one](const core::Knowledge& known) { return known.interface_name(one) == "uno"; }));
    shell("ip link del uno");
    EXPECT_TRUE(
        wait_until(watch, [one](const core::Knowledge& known) { return known.interface_name(one).empty(); }));
}

TEST_F(HostKernelTest, GatewaysComeAndGo) {
    shell("ip address add 198.18.7.2/24 dev one && ip address add 2001:db8::2/64 dev one nodad");
    HostWatch watch = open();
    EXPECT_TRUE(watch.knowledge()->facts().gateways.empty());
    shell("ip route add default via 198.18.7.1");
    EXPECT_TRUE(wait_until(watch, [](const auto& known) { return known.is_gateway(address("198.18.7.1")); }));
    shell("ip -6 route add default via 2001:db8::1 dev one");
    EXPECT_TRUE(
        wait_until(watch, [](const auto& known) { return known.is_gateway(address("2001:db8::1")); }));
    shell("ip route replace default via 198.18.7.9");
    EXPECT_TRUE(wait_until(watch, [](const auto& known) {
        return known.is_gateway(address("198.18.7.9")) && !known.is_gateway(address("198.18.7.1"));
    }));
    shell("ip link set one down");  // the kernel tells of the link, not of the IPv4 route that goes with it
    EXPECT_TRUE(wait_until(watch, [](const auto& known) { return known.facts().gateways.empty(); }));
}

TEST_F(HostKernelTest, ALinkThatGoesTakesItsRoutes) {
    shell("ip address add 198.18.7.2/24 dev one && ip route add default via 198.18.7.1");
    HostWatch watch = open();
    ASSERT_TRUE(watch.knowledge()->is_gateway(address("198.18.7.1")));
    shell("ip link del one");
    EXPECT_TRUE(wait_until(watch, [](const auto& known) {
        return !known.is_gateway(address("198.18.7.1")) && !known.is_own(address("198.18.7.2"));
    }));
}

TEST_F(HostKernelTest, MoreChangesThanTheSocketHoldsAreNotMissed) {
    shell("ip address add 198.18.7.2/24 dev one");
    HostWatch watch = open();
    // Nobody reads meanwhile; the receive buffer overflows and the last change is among those lost.
    shell(
        "for i in $(seq 3000); do echo route add 198.19.$((i / 250)).$((i % 250)) via 198.18.7.9;"
        " echo route del 198.19.$((i / 250)).$((i % 250)); done | ip -batch - &&"
        " ip route add default via 198.18.7.1");
    EXPECT_TRUE(wait_until(watch, [](const auto& known) { return known.is_gateway(address("198.18.7.1")); }));
}

TEST_F(HostKernelTest, ListenersAreNoticedAndRemembered) {
    HostWatch watch = open();
    EXPECT_TRUE(watch.knowledge()->facts().served.empty());
    {
        const Listener web(SOCK_STREAM, 8080);
        const Listener names(SOCK_DGRAM, 53);
        const Listener client(SOCK_DGRAM, 40000);
        const Listener local(SOCK_STREAM, 631, INADDR_LOOPBACK);
        EXPECT_TRUE(wait_until(watch, [](const core::Knowledge& known) {
            return known.is_served(tcp(8080)) && known.is_served(udp(53)) && known.is_served(udp(40000));
        }));
        EXPECT_FALSE(watch.knowledge()->is_served(tcp(631))) << "nobody outside is served";
    }
    EXPECT_TRUE(wait_until(watch, [](const auto& known) { return !known.is_served(udp(40000)); }));
    EXPECT_TRUE(watch.knowledge()->is_served(tcp(8080)));
    EXPECT_TRUE(watch.knowledge()->is_served(udp(53)));
    EXPECT_TRUE(watch.take_complaints().empty());

    HostWatch restarted = open();
    EXPECT_TRUE(restarted.knowledge()->is_served(tcp(8080))) << "by the file";
    EXPECT_FALSE(restarted.knowledge()->is_served(udp(40000)));
}

TEST_F(HostKernelTest, ABrokenFileIsOneComplaint) {
    ASSERT_EQ(replace_file(directory / "services", "no farewell\n"), 0);
    HostWatch watch = open();
    const auto complaints = watch.take_complaints();
    ASSERT_EQ(complaints.size(), 1U);
    EXPECT_TRUE(complaints[0].ends_with("line 1 is none of farewell's")) << complaints[0];
    watch.save(now, kWall);
    EXPECT_TRUE(open().take_complaints().empty()) << "it has been replaced by a good one";
}

TEST_F(HostKernelTest, ADirectoryThatCannotBeWrittenIsOneComplaint) {
    HostSettings unwritable = settings();
    unwritable.services_file = directory / "missing" / "services";
    HostWatch watch = HostWatch::open(unwritable, now, kWall).value();
    for (int i = 0; i < 3; ++i) {
        now += HostWatch::kSaveEvery;
        watch.save_if_due(now, kWall);
    }
    EXPECT_EQ(watch.take_complaints().size(), 1U);
}

TEST_F(HostKernelTest, ResolversAreFollowed) {
    const auto file = directory / "resolv.conf";
    HostWatch watch = open();
    EXPECT_TRUE(watch.knowledge()->facts().resolvers.empty());
    ASSERT_EQ(replace_file(file, "nameserver 192.0.2.53\n"), 0);  // by rename
    EXPECT_TRUE(
        wait_until(watch, [](const auto& known) { return known.is_resolver(address("192.0.2.53")); }));
    std::filesystem::remove(file);
    now += 1s;
    EXPECT_EQ(watch.refresh(now), nullptr) << "about to be replaced";
    ASSERT_EQ(replace_file(file, "nameserver 192.0.2.54\n"), 0);
    EXPECT_TRUE(wait_until(watch, [](const auto& known) {
        return known.is_resolver(address("192.0.2.54")) && !known.is_resolver(address("192.0.2.53"));
    }));
}

TEST_F(HostKernelTest, WhoIsLoggedInIsProtectedFromTheNextLookOn) {
    shell("ip address add 198.18.7.2/24 dev one");
    HostWatch watch = open();
    const auto session_from = [](const char* host) {
        return RemoteSession{.host = host, .address = parse_far_end(host)};
    };
    records.sessions = {session_from("198.18.7.2"), session_from("198.18.7.3"), session_from("somewhere")};
    ASSERT_NE(watch.refresh(now), nullptr);
    EXPECT_EQ(watch.knowledge()->protected_as(address("198.18.7.3")), "logged-in peer");
    EXPECT_EQ(watch.knowledge()->protected_as(address("198.18.7.2")), "own address");
    EXPECT_EQ(watch.refresh(now), nullptr);
    EXPECT_EQ(watch.take_complaints().size(), 1U) << "of the name, and once";

    records = {.sessions = {}, .trouble = "no answer"};
    ASSERT_EQ(watch.refresh(now + 1s), nullptr) << "logged out, or unknown: for a while that is the same";
    EXPECT_EQ(watch.take_complaints(), std::vector<std::string>{"no answer; logged-in peers can be banned"});
    watch.protect_sessions(false);
    ASSERT_NE(watch.refresh(now + 2s), nullptr);
    EXPECT_FALSE(watch.knowledge()->is_protected(address("198.18.7.3")));
    EXPECT_TRUE(watch.take_complaints().empty());
}

TEST_F(HostKernelTest, UtmpIsReadAsItStands) {
    const auto file = directory / "utmp";
    EXPECT_EQ(read_login_records(file).trouble, "") << "newer systems have none";
    utmpx record{};
    record.ut_type = USER_PROCESS;
    record.ut_pid = getpid();
    std::string_view("198.18.7.3").copy(static_cast<char*>(record.ut_host), sizeof record.ut_host);
    const std::string bytes(reinterpret_cast<const char*>(&record),
                            sizeof record);  // NOLINT: a test's record
    ASSERT_EQ(replace_file(file, bytes), 0);
    const auto sessions = read_login_records(file).sessions;
    EXPECT_EQ(1, std::ranges::count(sessions,
                                    RemoteSession{.host = "198.18.7.3", .address = address("198.18.7.3")}));
    EXPECT_NE(read_login_records(directory).trouble.find("Is a directory"), std::string::npos);
}

TEST_F(HostKernelTest, TheEphemeralRangeIsThatOfTheNamespace) {
    HostWatch watch = open();
    shell("echo 20000 20099 > /proc/sys/net/ipv4/ip_local_port_range");
    EXPECT_TRUE(wait_until(watch, [](const core::Knowledge& known) {
        return known.is_ephemeral(20000) && known.is_ephemeral(20099) && !known.is_ephemeral(32768);
    }));
}

TEST_F(HostKernelTest, NothingNewIsNothing) {
    HostWatch watch = open();
    for (int i = 0; i < 20; ++i) {
        now += 1s;
        EXPECT_EQ(watch.refresh(now), nullptr);
    }
}

TEST_F(HostKernelTest, NoPrivilegeIsNeeded) {
    shell("ip address add 198.18.7.2/24 dev one && ip route add default via 198.18.7.1");
    std::filesystem::permissions(directory, std::filesystem::perms::all);
    constexpr unsigned kNobody = 65534;
    ASSERT_EQ(seteuid(kNobody), 0);  // the effective capabilities go with it, until TearDown
    const Listener web(SOCK_STREAM, 8080);
    HostWatch watch = open();
    EXPECT_TRUE(watch.knowledge()->is_own(address("198.18.7.2")));
    EXPECT_TRUE(watch.knowledge()->is_gateway(address("198.18.7.1")));
    EXPECT_TRUE(watch.knowledge()->is_served(tcp(8080)));
    EXPECT_TRUE(watch.take_complaints().empty());
}

}  // namespace
}  // namespace farewell::host
