// SPDX-License-Identifier: GPL-2.0-or-later
// The real connection tracking, in a network namespace of the test's own with real connections over loopback.
#include "conntrack/conntrack.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <fstream>
#include <iterator>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "netlink/kernel_test_world.hpp"

namespace farewell::conntrack {
namespace {

core::Address address(const std::string& text) {
    std::array<std::byte, 16> bytes{};
    if (inet_pton(AF_INET, text.c_str(), bytes.data()) == 1) {
        return core::Address::ipv4(std::span(bytes).first<4>());
    }
    EXPECT_EQ(inet_pton(AF_INET6, text.c_str(), bytes.data()), 1) << text;
    return core::Address::ipv6(bytes);
}
core::Prefix prefix(const std::string& text) {
    const std::size_t slash = text.find('/');
    const core::Address first = address(text.substr(0, slash));
    return slash == std::string::npos
               ? core::Prefix::of(first)
               : core::Prefix::of(first, static_cast<std::uint8_t>(std::stoi(text.substr(slash + 1))));
}

/// A socket bound to an address and port; closed in the end.
class Socket {
 public:
    Socket() = default;
    Socket(int type, const std::string& own, std::uint16_t port) {
        const sockaddr_storage address = storage(own, port);
        fd_ = socket(address.ss_family, type | SOCK_CLOEXEC, 0);
        const int on = 1;
        setsockopt(fd_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        EXPECT_EQ(bind(fd_, generic(address), sizeof address), 0) << own;
    }
    explicit Socket(int fd) : fd_(fd) {}
    Socket(Socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    Socket& operator=(Socket&& other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }
    ~Socket() {
        if (fd_ >= 0) {
            close(fd_);
        }
    }
    [[nodiscard]] int fd() const { return fd_; }
    void listen_now() const {
        EXPECT_EQ(listen(fd_, 64), 0);
        const timeval limit{.tv_sec = 10,
                            .tv_usec = 0};  // of accepted(): who never came is waited for in vain
        setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    }
    [[nodiscard]] Socket accepted() const { return Socket(accept(fd_, nullptr, nullptr)); }
    void connect_to(const std::string& far, std::uint16_t port) const {
        const sockaddr_storage address = storage(far, port);
        EXPECT_EQ(connect(fd_, generic(address), sizeof address), 0) << far;
    }
    /// Its first packet goes out, and nobody waits for an answer.
    void begin_to_connect_to(const std::string& far, std::uint16_t port) const {
        const sockaddr_storage address = storage(far, port);
        fcntl(fd_, F_SETFL, O_NONBLOCK);
        EXPECT_EQ(connect(fd_, generic(address), sizeof address), -1);
        EXPECT_EQ(errno, EINPROGRESS);
    }
    void reset_on_close() const {
        const linger now{.l_onoff = 1, .l_linger = 0};
        setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    }

 private:
    static sockaddr_storage storage(const std::string& host, std::uint16_t port) {
        sockaddr_storage address{};
        addrinfo hints{};
        hints.ai_flags = AI_NUMERICHOST;
        addrinfo* found = nullptr;
        EXPECT_EQ(getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found), 0);
        std::memcpy(&address, found->ai_addr, found->ai_addrlen);
        freeaddrinfo(found);
        return address;
    }
    static const sockaddr* generic(const sockaddr_storage& address) {
        return reinterpret_cast<const sockaddr*>(&address);  // NOLINT: the socket API
    }
    int fd_ = -1;
};

/// An open connection, both ends of it.
struct Connection {
    Socket server;
    Socket client;
};

class ConntrackKernelTest : public KernelTest {
 protected:
    static constexpr std::uint16_t kService = 8080;

    void SetUp() override {
        KernelTest::SetUp();
        if (IsSkipped()) {
            return;
        }
        // Nothing is tracked before a rule asks for it. What stands before tracking (-200) it does not see.
        shell(
            "ip -6 address add 2001:db8::5/128 dev lo nodad && ip -6 address add 2001:db8::6/128 dev lo "
            "nodad &&"
            " nft 'table inet t {"
            " chain before { type filter hook output priority -300;"
            "  ip saddr 127.0.7.0/24 tcp flags & (syn | ack) == ack drop; };"
            " chain after { type filter hook input priority 0;"
            "  ip saddr 127.0.8.0/24 ip daddr 127.0.0.1 drop; ct state invalid counter; }; }'");
        // The kernel puts an IPv6 address into its table of local ones in its own time.
        shell(
            "for try in $(seq 500); do"
            " test $(ip -6 route show table local | grep -c 2001:db8) = 2 && exit 0; sleep 0.02;"
            " done; exit 1");
        table = Conntrack::open().value();
        listening = Socket(SOCK_STREAM, "127.0.0.1", kService);
        listening.listen_now();
        listening6 = Socket(SOCK_STREAM, "2001:db8::6", kService);
        listening6.listen_now();
    }

    Connection connect_from(const std::string& source, std::uint16_t port = 0) {
        const bool is_ipv4 = source.find(':') == std::string::npos;
        Connection connection;
        connection.client = Socket(SOCK_STREAM, source, port);
        connection.client.connect_to(is_ipv4 ? "127.0.0.1" : "2001:db8::6", kService);
        connection.server = (is_ipv4 ? listening : listening6).accepted();
        return connection;
    }
    static void send_datagrams_from(const std::string& source, std::uint16_t first_port, int count) {
        for (int i = 0; i < count; ++i) {
            const Socket socket(SOCK_DGRAM, source, 0);
            socket.connect_to("127.0.0.1", static_cast<std::uint16_t>(first_port + i));
            EXPECT_EQ(send(socket.fd(), "x", 1, 0), 1);
        }
    }
    /// How many entries a source has opened, as /proc says.
    static std::size_t flows_of(const std::string& source) {
        std::ifstream file("/proc/net/nf_conntrack");
        std::string line;
        std::size_t count = 0;
        while (std::getline(file, line)) {
            const std::size_t first = line.find("src=");  // the original direction stands first
            count += line.compare(first + 4, source.size() + 1, source + " ") == 0 ? 1U : 0U;
        }
        return count;
    }
    std::vector<core::Address> proven(const std::vector<std::string>& sources) {
        std::vector<core::Address> addresses;
        std::ranges::transform(sources, std::back_inserter(addresses), address);
        const auto found = table->proven(addresses);
        EXPECT_TRUE(found) << found.error().message();
        return found.value_or(std::vector<core::Address>());
    }
    std::size_t removed(const std::vector<std::string>& sources) {
        std::vector<core::Prefix> prefixes;
        std::ranges::transform(sources, std::back_inserter(prefixes), prefix);
        const auto count = table->remove_flows(prefixes);
        EXPECT_TRUE(count) << count.error().message();
        return count.value_or(0);
    }

    std::unique_ptr<FlowTable> table;
    Socket listening;
    Socket listening6;
};

TEST_F(ConntrackKernelTest, AConnectionThatIsOverProves) {
    {
        const Connection one = connect_from("127.0.5.1");
        const Connection two = connect_from("2001:db8::5");
    }
    EXPECT_THAT(proven({"127.0.5.1", "127.0.5.2", "2001:db8::5", "2001:db8::7"}),
                testing::UnorderedElementsAre(address("127.0.5.1"), address("2001:db8::5")));
    EXPECT_EQ(proven({"127.0.0.1"}), std::vector{address("127.0.0.1")})
        << "the far end of what was opened from here";
    EXPECT_TRUE(proven({}).empty());
    EXPECT_TRUE(proven({"127.0.5.2"}).empty());
}

TEST_F(ConntrackKernelTest, WhoHasAConnectionThatStandsIsNotProven) {
    {
        const Connection over = connect_from("127.0.5.1");
    }
    const Connection standing = connect_from("127.0.5.1");
    EXPECT_TRUE(proven({"127.0.5.1"}).empty()) << "somebody could want it cut";
}

TEST_F(ConntrackKernelTest, WhatAForgerCouldDoProvesNothing) {
    const Socket alone(SOCK_STREAM, "127.0.8.1", 0);
    alone.begin_to_connect_to("127.0.0.1", kService);  // never answered
    const Socket half(SOCK_STREAM, "127.0.7.1", 0);
    half.connect_to("127.0.0.1", kService);  // answered, and the answer's acknowledgement is lost
    const Socket closed(SOCK_STREAM, "127.0.5.3", 0);
    closed.begin_to_connect_to("127.0.0.1", kService + 1);  // reset
    send_datagrams_from("127.0.5.4", 9000, 3);
    EXPECT_EQ(flows_of("127.0.8.1"), 1U);
    EXPECT_EQ(flows_of("127.0.7.1"), 1U);
    EXPECT_EQ(flows_of("127.0.5.4"), 3U);
    EXPECT_TRUE(proven({"127.0.8.1", "127.0.7.1", "127.0.5.3", "127.0.5.4"}).empty());
}

TEST_F(ConntrackKernelTest, AConnectionThatWasResetProvesNothing) {
    {
        const Connection one = connect_from("127.0.5.1");
        one.client.reset_on_close();
    }
    EXPECT_EQ(flows_of("127.0.5.1"), 1U);
    EXPECT_TRUE(proven({"127.0.5.1"}).empty());
}

TEST_F(ConntrackKernelTest, OnlyWhatTheSourceOpenedIsRemoved) {
    const Connection banned = connect_from("127.0.5.1");
    const Connection other = connect_from("127.0.5.2");
    send_datagrams_from("127.0.5.1", 9000, 2);
    const Socket theirs(SOCK_STREAM, "127.0.5.1", kService);
    theirs.listen_now();
    const Socket ours(SOCK_STREAM, "127.0.0.1", 0);
    ours.connect_to("127.0.5.1", kService);  // opened towards it
    ASSERT_EQ(flows_of("127.0.5.1"), 3U);
    EXPECT_EQ(removed({"127.0.5.1"}), 3U);
    EXPECT_EQ(flows_of("127.0.5.1"), 0U);
    EXPECT_EQ(flows_of("127.0.5.2"), 1U);
    EXPECT_EQ(flows_of("127.0.0.1"), 1U);
    EXPECT_EQ(removed({"127.0.5.1"}), 0U) << "no flow is no error";
    EXPECT_EQ(removed({}), 0U);
    EXPECT_EQ(flows_of("127.0.5.2"), 1U);
}

TEST_F(ConntrackKernelTest, PrefixesAndFamiliesAreRemovedTogether) {
    const Connection one = connect_from("127.0.5.1");
    const Connection two = connect_from("127.0.5.200");
    const Connection other = connect_from("127.0.6.1");
    const Connection six = connect_from("2001:db8::5");
    EXPECT_EQ(removed({"127.0.5.0/24", "127.0.9.9", "2001:db8::/64"}), 3U);
    EXPECT_EQ(flows_of("127.0.6.1"), 1U);
}

TEST_F(ConntrackKernelTest, ManyAreRemovedAtOnce) {
    constexpr int kMany = 1000;  // more than a socket's receive buffer has room for answers
    send_datagrams_from("127.0.5.1", 9000, kMany);
    send_datagrams_from("127.0.5.2", 9000, 10);
    EXPECT_EQ(removed({"127.0.5.1"}), std::size_t{kMany});
    EXPECT_EQ(flows_of("127.0.5.2"), 10U);
}

class CutConnectionTest : public ConntrackKernelTest {
 protected:
    /// A rule as a careful firewall has it: what is banned softly keeps the connections that it has.
    static void ban_softly() {
        shell(
            "nft 'table inet soft { chain c { type filter hook input priority 10;"
            " ip saddr 127.0.5.0/24 ct state != { established, related } drop; }; }'");
    }
    static void send_text(const Socket& from, std::string_view text) {
        EXPECT_EQ(send(from.fd(), text.data(), text.size(), 0), static_cast<ssize_t>(text.size()));
    }
    /// Whether something comes; what is lost is sent again after 200 ms (RFC 6298's minimum, as Linux has
    /// it).
    static bool receives(const Socket& socket, int limit_ms) {
        pollfd readable{.fd = socket.fd(), .events = POLLIN, .revents = 0};
        std::array<char, 64> buffer{};
        return poll(&readable, 1, limit_ms) == 1 && recv(socket.fd(), buffer.data(), buffer.size(), 0) > 0;
    }
};

/// What a removal is for.
TEST_F(CutConnectionTest, IsNotEstablishedAnyMore) {
    const Connection connection = connect_from("127.0.5.1");
    ban_softly();
    send_text(connection.client, "alive");
    ASSERT_TRUE(receives(connection.server, 5000));
    EXPECT_EQ(removed({"127.0.5.1"}), 1U);
    send_text(connection.client, "dead");
    EXPECT_FALSE(receives(connection.server, 700)) << "what was lost would have been sent again by now";
}

/// And how far that goes: a packet of ours is taken for the begin of a connection towards the source, unless
/// net.netfilter.nf_conntrack_tcp_loose is off.
TEST_F(CutConnectionTest, IsOpenedAgainByWhatWeSend) {
    const Connection connection = connect_from("127.0.5.1");
    ban_softly();
    EXPECT_EQ(removed({"127.0.5.1"}), 1U);
    send_text(connection.server, "more");
    ASSERT_TRUE(receives(connection.client, 5000));
    send_text(connection.client, "alive");
    EXPECT_TRUE(receives(connection.server, 5000));
}

TEST_F(CutConnectionTest, StaysCutWhereNothingIsPickedUp) {
    shell("echo 0 > /proc/sys/net/netfilter/nf_conntrack_tcp_loose");
    const Connection connection = connect_from("127.0.5.1");
    ban_softly();
    EXPECT_EQ(removed({"127.0.5.1"}), 1U);
    send_text(connection.server, "more");
    ASSERT_TRUE(receives(connection.client, 5000));
    send_text(connection.client, "dead");
    EXPECT_FALSE(receives(connection.server, 700));
}

TEST_F(ConntrackKernelTest, WithoutTheCapabilityItIsAnError) {
    constexpr unsigned kNobody = 65534;
    ASSERT_EQ(seteuid(kNobody), 0);
    const auto refused = table->proven(std::vector{address("127.0.5.1")});
    ASSERT_EQ(seteuid(0), 0);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, ErrorKind::no_permission) << refused.error().message();
}

}  // namespace
}  // namespace farewell::conntrack
