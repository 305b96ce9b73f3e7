// SPDX-License-Identifier: GPL-2.0-or-later
// Probes on a wire, and when the kernel tells of the bans that they bring about; see run.py. Prints JSON.
//   bench_prober latency FIRST SOURCES RATE     ten probes of each source, a hundred sources in turn
//   bench_prober chase FIRST SOURCES RATE       forty probes of each source, one source after another
//   bench_prober storm FIRST SOURCES 0          ten probes of each source, all sources in turn, as fast as it
//   goes
// Started in the namespace of the sender; SERVER_NETNS is the path of the other one, SERVER_MAC where frames
// go. Sources are numbered from 198.19.0.0 on.
#include <arpa/inet.h>
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <libnftnl/set.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "nft/owned.hpp"

namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr std::uint32_t kFirstSource = 0xc6130000;  // 198.19.0.0
constexpr std::uint32_t kServer = 0xc6120002;       // 198.18.0.2
constexpr std::size_t kSourcesMost = 65'536;
constexpr std::size_t kThreshold = 10;
constexpr std::size_t kProbesOfAChase = 40;
constexpr std::size_t kInTurn = 100;
constexpr auto kWaitForBans = 10s;  // after the last probe

[[noreturn]] void give_up(const char* operation) {
    std::perror(operation);
    std::exit(1);
}

const char* variable(const char* name) {
    const char* value = std::getenv(name);
    return value != nullptr ? value
                            : (std::fprintf(stderr, "bench_prober: %s is not set\n", name), std::exit(2), "");
}

/// Before everything else on a busy machine, so that the instrument measures the daemon and not its own turn;
/// where that is refused it goes without.
void go_first() {
    const sched_param priority{.sched_priority = 1};
    sched_setscheduler(0, SCHED_FIFO, &priority);
}

/// A TCP SYN in an Ethernet frame.
class Frame {
 public:
    explicit Frame(const char* mac) {
        std::array<unsigned, ETH_ALEN> bytes{};
        if (std::sscanf(mac, "%x:%x:%x:%x:%x:%x", &bytes[0], &bytes[1], &bytes[2], &bytes[3], &bytes[4],
                        &bytes[5]) != ETH_ALEN) {
            std::fputs("bench_prober: SERVER_MAC is no hardware address\n", stderr);
            std::exit(2);
        }
        std::ranges::transform(bytes, bytes_.begin(),
                               [](unsigned byte) { return static_cast<std::uint8_t>(byte); });
        bytes_.at(ETH_ALEN) = 0x02;
        put_16(2 * ETH_ALEN, ETH_P_IP);
        put_16(kIp, 0x4500);
        put_16(kIp + 2, kIpBytes + kTcpBytes);
        put_16(kIp + 8, 64U << 8U | IPPROTO_TCP);
        put_32(kIp + 16, kServer);
        put_32(kTcp + 4, 1);
        put_16(kTcp + 12, 5U << 12U | 2);  // 20 bytes of header, SYN
        put_16(kTcp + 14, 1024);
    }

    void set(std::uint32_t source, std::uint16_t port) {
        put_32(kIp + 12, source);
        put_16(kIp + 10, 0);
        put_16(kIp + 10, checksum(kIp, kIpBytes, 0));
        put_16(kTcp, 40'000);
        put_16(kTcp + 2, port);
        put_16(kTcp + 16, 0);
        // The pseudo header is the two addresses, the protocol and the length.
        put_16(kTcp + 16, checksum(kIp + 12, 8 + kTcpBytes, IPPROTO_TCP + kTcpBytes));
    }

    [[nodiscard]] const auto& bytes() const { return bytes_; }

 private:
    static constexpr std::size_t kIp = ETH_HLEN;
    static constexpr std::size_t kIpBytes = 20;
    static constexpr std::size_t kTcp = kIp + kIpBytes;
    static constexpr std::size_t kTcpBytes = 20;

    void put_16(std::size_t at, std::uint32_t value) {
        bytes_.at(at) = static_cast<std::uint8_t>(value >> 8U);
        bytes_.at(at + 1) = static_cast<std::uint8_t>(value);
    }
    void put_32(std::size_t at, std::uint32_t value) {
        put_16(at, value >> 16U);
        put_16(at + 2, value);
    }
    [[nodiscard]] std::uint32_t checksum(std::size_t at, std::size_t length, std::uint32_t sum) const {
        for (const std::size_t end = at + length; at < end; at += 2) {
            sum += static_cast<std::uint32_t>(bytes_.at(at) << 8U) | bytes_.at(at + 1);
        }
        while (sum > 0xffff) {
            sum = (sum & 0xffffU) + (sum >> 16U);
        }
        return ~sum & 0xffffU;
    }

    std::array<std::uint8_t, kTcp + kTcpBytes> bytes_{};
};

/// The other namespace's changes of nf_tables. A socket stays in the namespace that it was made in.
mnl_socket* listen_in(const char* netns) {
    const int own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    const int other = open(netns, O_RDONLY | O_CLOEXEC);
    if (own < 0 || other < 0 || setns(other, CLONE_NEWNET) != 0) {
        give_up("enter SERVER_NETNS");
    }
    mnl_socket* socket = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
    int group = NFNLGRP_NFTABLES;
    const int receive_buffer = 64 << 20;
    if (socket == nullptr || mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0 ||
        setsockopt(mnl_socket_get_fd(socket), SOL_SOCKET, SO_RCVBUFFORCE, &receive_buffer,
                   sizeof receive_buffer) != 0 ||
        mnl_socket_setsockopt(socket, NETLINK_ADD_MEMBERSHIP, &group, sizeof group) < 0) {
        give_up("follow the changes of nf_tables");
    }
    if (setns(own, CLONE_NEWNET) != 0) {
        give_up("return from SERVER_NETNS");
    }
    close(own);
    close(other);
    return socket;
}

int open_wire() {
    const int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
    sockaddr_ll address{};
    address.sll_family = AF_PACKET;
    address.sll_protocol = htons(ETH_P_IP);
    address.sll_ifindex = static_cast<int>(if_nametoindex("eth0"));
    if (fd < 0 || bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        give_up("open the wire");
    }
    return fd;
}

/// When each source's element was told of.
class Arrivals {
 public:
    Arrivals(mnl_socket* socket, std::size_t first, std::size_t sources)
        : socket_(socket), first_(first), at_(sources), thread_([this] { run(); }) {}

    /// Until all have come, or for so long.
    std::vector<Clock::time_point> wait(Clock::duration limit) {
        const auto end = Clock::now() + limit;
        while (seen_.load() < at_.size() && Clock::now() < end) {
            std::this_thread::sleep_for(1ms);
        }
        stop_ = true;
        thread_.join();
        return at_;
    }

 private:
    void run() {
        go_first();
        std::vector<char> buffer(std::size_t{64} << 10U);
        pollfd readable{.fd = mnl_socket_get_fd(socket_), .events = POLLIN, .revents = 0};
        while (!stop_) {
            if (poll(&readable, 1, 50) <= 0) {
                continue;
            }
            const ssize_t received = mnl_socket_recvfrom(socket_, buffer.data(), buffer.size());
            now_ = Clock::now();
            if (received < 0) {
                give_up("read the changes of nf_tables");
            }
            int left = static_cast<int>(received);
            const auto* message = reinterpret_cast<const nlmsghdr*>(buffer.data());
            for (; mnl_nlmsg_ok(message, left); message = mnl_nlmsg_next(message, &left)) {
                if (message->nlmsg_type == (NFNL_SUBSYS_NFTABLES << 8U | NFT_MSG_NEWSETELEM)) {
                    on_elements(*message);
                }
            }
        }
    }

    void on_elements(const nlmsghdr& message) {
        const auto set = farewell::nft::owned(nftnl_set_alloc());
        if (nftnl_set_elems_nlmsg_parse(&message, set.get()) >= 0) {
            nftnl_set_elem_foreach(set.get(), on_element, this);
        }
    }

    static int on_element(nftnl_set_elem* element, void* data) {
        auto& self = *static_cast<Arrivals*>(data);
        std::uint32_t length = 0;
        const void* key = nftnl_set_elem_get(element, NFTNL_SET_ELEM_KEY, &length);
        std::uint32_t address = 0;
        if (key != nullptr && length == sizeof address) {
            std::memcpy(&address, key, sizeof address);
            const std::size_t number = ntohl(address) - kFirstSource - self.first_;
            if (number < self.at_.size() && self.at_[number] == Clock::time_point{}) {
                self.at_[number] = self.now_;
                ++self.seen_;
            }
        }
        return MNL_CB_OK;
    }

    mnl_socket* socket_;
    std::size_t first_;
    std::vector<Clock::time_point> at_;
    Clock::time_point now_;
    std::atomic<std::size_t> seen_ = 0;
    std::atomic<bool> stop_ = false;
    std::thread thread_;
};

struct Run {
    std::string_view mode;
    std::size_t first;
    std::size_t sources;
    double rate;  // probes a second; 0: as fast as it goes
};

/// Sends in the order of the mode; when each source's tenth probe was handed to the kernel, and the first of
/// all.
struct Sent {
    std::vector<Clock::time_point> tenth;
    Clock::time_point begin;
    Clock::time_point end;
};

class Sender {
 public:
    explicit Sender(const Run& run) : run_(run), wire_(open_wire()), frame_(variable("SERVER_MAC")) {
        sent_.tenth.resize(run.sources);
        prctl(PR_SET_TIMERSLACK, 1);
        if (run.rate > 0) {
            go_first();
        }
    }

    Sent send_all() {
        sent_.begin = next_ = Clock::now();
        const std::size_t probes = run_.mode == "chase" ? kProbesOfAChase : kThreshold;
        const std::size_t in_turn = run_.mode == "chase"     ? 1
                                    : run_.mode == "latency" ? std::min(kInTurn, run_.sources)
                                                             : run_.sources;
        for (std::size_t first = 0; first < run_.sources; first += in_turn) {
            const std::size_t last = std::min(first + in_turn, run_.sources);
            for (std::size_t probe = 1; probe <= probes; ++probe) {
                for (std::size_t source = first; source < last; ++source) {
                    send_one(source, probe);
                }
            }
        }
        sent_.end = Clock::now();
        return sent_;
    }

 private:
    void send_one(std::size_t source, std::size_t probe) {
        frame_.set(kFirstSource + static_cast<std::uint32_t>(run_.first + source),
                   static_cast<std::uint16_t>(1000 + probe));
        if (run_.rate > 0) {
            std::this_thread::sleep_until(next_);
            // From when it was sent, not from when it should have been: a late one is not made up for by a
            // burst.
            next_ = std::max(next_, Clock::now() - 1ms) +
                    std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(1 / run_.rate));
        }
        if (probe == kThreshold) {
            sent_.tenth[source] = Clock::now();
        }
        while (send(wire_, frame_.bytes().data(), frame_.bytes().size(), 0) < 0) {
            if (errno != ENOBUFS && errno != EINTR) {
                give_up("send");
            }
        }
    }

    Run run_;
    int wire_;
    Frame frame_;
    Sent sent_;
    Clock::time_point next_;
};

double microseconds(Clock::duration duration) {
    return std::chrono::duration<double, std::micro>(duration).count();
}

void report(const Run& run, const Sent& sent, const std::vector<Clock::time_point>& banned) {
    std::vector<double> latencies;
    Clock::time_point last{};
    for (std::size_t i = 0; i < banned.size(); ++i) {
        if (banned[i] != Clock::time_point{}) {
            latencies.push_back(microseconds(banned[i] - sent.tenth[i]));
            last = std::max(last, banned[i]);
        }
    }
    std::ranges::sort(latencies);
    const auto at = [&](double share) {
        return latencies.empty()
                   ? 0.0
                   : latencies[static_cast<std::size_t>(share * static_cast<double>(latencies.size() - 1))];
    };
    std::printf(R"({"sources": %zu, "banned": %zu, "p50_us": %.1f, "p99_us": %.1f, "max_us": %.1f, )"
                R"("sending_us": %.1f, "from_first_us": %.1f, "from_last_us": %.1f})"
                "\n",
                run.sources, latencies.size(), at(0.5), at(0.99), at(1), microseconds(sent.end - sent.begin),
                microseconds(last - sent.begin), microseconds(last - sent.end));
}

std::size_t number_of(std::string_view text) {
    std::size_t number = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
    if (parsed.ec != std::errc{} || parsed.ptr != text.data() + text.size()) {
        std::fputs("bench_prober: not a number\n", stderr);
        std::exit(2);
    }
    return number;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 5) {
        return std::fputs("usage: bench_prober latency|chase|storm FIRST SOURCES RATE\n", stderr), 2;
    }
    const Run run{.mode = argv[1],
                  .first = number_of(argv[2]),
                  .sources = number_of(argv[3]),
                  .rate = static_cast<double>(number_of(argv[4]))};
    if (run.sources == 0 || run.first + run.sources > kSourcesMost) {
        return std::fputs("bench_prober: too many sources\n", stderr), 2;
    }
    const farewell::nft::Owned<mnl_socket> socket(listen_in(variable("SERVER_NETNS")));
    Arrivals arrivals(socket.get(), run.first, run.sources);
    const Sent sent = Sender(run).send_all();
    report(run, sent, arrivals.wait(kWaitForBans));
    return 0;
}
