// SPDX-License-Identifier: GPL-2.0-or-later
// Two programs that do what the article asks for and no more: ten distinct closed ports, and the source is
// banned.
//   bench_rival plain element     one queue, one packet a receive, one verdict a packet, a hash map; bans
//   become elements of
//                                 a set, by libnftables
//   bench_rival article rule      the article's program: the verdict first, a thread for each of four queues,
//   one map behind
//                                 a mutex; bans become rules, by netlink
//   bench_rival article process   the same, but each ban executes nft
// Started in the namespace to defend. Makes its own table "rival", prints "ready", and goes on until it is
// killed. Counts IPv4 and IPv6 sources, bans IPv4 alone.
#include <arpa/inet.h>  // before linux/netfilter.h, which redefines its types otherwise

#include <linux/netfilter.h>
#include <linux/netlink.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <unordered_set>
#include <vector>

extern "C" {
#include <libnetfilter_queue/libnetfilter_queue.h>
#include <nftables/libnftables.h>
}

#include "bench/nft/drop_rule.hpp"
#include "nft/transport.hpp"

namespace {

using namespace farewell;

constexpr std::size_t kThreshold = 10;
constexpr std::uint16_t kArticleQueues = 4;

[[noreturn]] void fail(const char* what) {
    std::perror(what);
    std::exit(1);
}

std::string text_of(std::uint32_t address) {
    const in_addr in_network_order{htonl(address)};
    std::array<char, INET_ADDRSTRLEN> text{};
    inet_ntop(AF_INET, &in_network_order, text.data(), text.size());
    return text.data();
}

// How a ban gets into the kernel.

class Ban {
 public:
    Ban() = default;
    virtual ~Ban() = default;
    Ban(const Ban&) = delete;
    Ban& operator=(const Ban&) = delete;

    /// Whether it is there.
    virtual bool add(std::uint32_t address) = 0;
};

class Nft {
 public:
    Nft() : context_(nft_ctx_new(NFT_CTX_DEFAULT)) {
        if (context_ == nullptr) {
            fail("nft_ctx_new");
        }
    }
    Nft(const Nft&) = delete;
    Nft& operator=(const Nft&) = delete;
    ~Nft() { nft_ctx_free(context_); }

    bool run(const std::string& text) { return nft_run_cmd_from_buffer(context_, text.c_str()) == 0; }

 private:
    nft_ctx* context_;
};

void make_table(std::string_view contents) {
    if (!Nft().run("table ip rival { " + std::string(contents) + " }")) {
        std::fputs("bench_rival: no table\n", stderr);
        std::exit(1);
    }
}

void make_set() {
    make_table(
        "set banned { type ipv4_addr; flags timeout; timeout 12h; }; "
        "chain prerouting { type filter hook prerouting priority -450; ip saddr @banned drop; };");
}

class ElementByLibrary final : public Ban {
 public:
    ElementByLibrary() { make_set(); }
    bool add(std::uint32_t address) override {
        return nft_.run("add element ip rival banned { " + text_of(address) + " }");
    }

 private:
    Nft nft_;
};

class ElementByProcess final : public Ban {
 public:
    ElementByProcess() { make_set(); }
    bool add(std::uint32_t address) override {
        std::string command = "add element ip rival banned { " + text_of(address) + " }";
        std::string program = "nft";
        std::array<char*, 3> arguments{program.data(), command.data(), nullptr};
        pid_t child = 0;
        int status = 0;
        return posix_spawnp(&child, program.c_str(), nullptr, nullptr, arguments.data(), environ) == 0 &&
               waitpid(child, &status, 0) == child && status == 0;
    }
};

class RuleByNetlink final : public Ban {
 public:
    RuleByNetlink() {
        make_table("chain prerouting { type filter hook prerouting priority -450; };");
        auto transport = nft::open_transport();
        if (!transport) {
            fail("open a netlink socket");
        }
        transport_ = std::move(*transport);
    }
    bool add(std::uint32_t address) override {
        const std::uint32_t first = sequence_;
        std::size_t length = nftnl_batch_begin(buffer_.data(), sequence_++)->nlmsg_len;
        nlmsghdr* rule = bench::build_drop_rule(buffer_.data() + length, sequence_++, "rival", address);
        rule->nlmsg_flags |= NLM_F_ACK;
        length += NLMSG_ALIGN(rule->nlmsg_len);
        length += nftnl_batch_end(buffer_.data() + length, sequence_++)->nlmsg_len;
        return transport_->commit(std::as_bytes(std::span(buffer_).first(length)), first, sequence_ - 2) == 0;
    }

 private:
    std::unique_ptr<nft::Transport> transport_;
    alignas(nlmsghdr) std::array<char, 4096> buffer_{};
    std::uint32_t sequence_ = 1;
};

// Who tried what.

struct Source {
    std::uint64_t high;
    std::uint64_t low;
    bool operator==(const Source&) const = default;
};
struct Hash {
    std::size_t operator()(const Source& source) const {
        return std::hash<std::uint64_t>{}((source.low ^ source.high) * 0x9e3779b97f4a7c15U);
    }
};
struct Probe {
    Source source;
    std::uint16_t port;
};

/// What is not TCP or UDP over IP has port 0.
Probe parse(std::span<const unsigned char> packet) {
    Probe probe{};
    std::size_t transport = packet.size();
    if (packet.size() >= 20 && packet[0] >> 4U == 4) {
        std::uint32_t address = 0;
        std::memcpy(&address, &packet[12], sizeof address);
        probe.source = {.high = 0, .low = ntohl(address)};
        transport = std::size_t{packet[0] & 15U} * 4;
    } else if (packet.size() >= 40 && packet[0] >> 4U == 6) {
        std::memcpy(&probe.source.high, &packet[8], sizeof probe.source.high);
        std::memcpy(&probe.source.low, &packet[16], sizeof probe.source.low);
        transport = 40;
    }
    if (packet.size() >= transport + 4) {
        probe.port = static_cast<std::uint16_t>(packet[transport + 2] << 8U | packet[transport + 3]);
    }
    return probe;
}

class Detector {
 public:
    explicit Detector(std::unique_ptr<Ban> ban) : ban_(std::move(ban)) {}

    void on_packet(std::span<const unsigned char> packet) {
        const Probe probe = parse(packet);
        Tried& tried = sources_[probe.source];
        if (tried.is_banned) {
            return;
        }
        tried.ports.insert(probe.port);
        // A ban that did not succeed is tried again with the next packet.
        if (tried.ports.size() >= kThreshold && probe.source.high == 0) {
            tried.is_banned = ban_->add(static_cast<std::uint32_t>(probe.source.low));
        }
    }

 private:
    struct Tried {
        std::unordered_set<std::uint16_t> ports;
        bool is_banned = false;
    };
    std::unique_ptr<Ban> ban_;
    std::unordered_map<Source, Tried, Hash> sources_;
};

// The queues.

struct Loop {
    Detector& detector;
    std::mutex* mutex;  // nullptr: one thread, and the verdict comes last
};

int on_packet(nfq_q_handle* queue, nfgenmsg* /*message*/, nfq_data* data, void* opaque) {
    const Loop& loop = *static_cast<Loop*>(opaque);
    const nfqnl_msg_packet_hdr* const header = nfq_get_msg_packet_hdr(data);
    const std::uint32_t id = header != nullptr ? ntohl(header->packet_id) : 0;
    unsigned char* payload = nullptr;
    const int length = nfq_get_payload(data, &payload);
    const std::span<const unsigned char> packet(payload, length > 0 ? static_cast<std::size_t>(length) : 0U);
    if (loop.mutex == nullptr) {
        loop.detector.on_packet(packet);
        return nfq_set_verdict(queue, id, NF_DROP, 0, nullptr);
    }
    const int sent = nfq_set_verdict(queue, id, NF_DROP, 0, nullptr);
    const std::scoped_lock lock(*loop.mutex);
    loop.detector.on_packet(packet);
    return sent;
}

nfq_handle* open_queue(std::uint16_t number, Loop& loop) {
    nfq_handle* const handle = nfq_open();
    if (handle == nullptr) {
        fail("nfq_open");
    }
    nfq_q_handle* const queue = nfq_create_queue(handle, number, &on_packet, &loop);
    if (queue == nullptr || nfq_set_mode(queue, NFQNL_COPY_PACKET, 0xffff) < 0) {
        fail("nfq_create_queue");
    }
    return handle;
}

void run(nfq_handle* handle) {
    alignas(nlmsghdr) std::array<char, 0x10000 + 4096> buffer;
    while (true) {
        const ssize_t length = recv(nfq_fd(handle), buffer.data(), buffer.size(), 0);
        if (length > 0) {
            nfq_handle_packet(handle, buffer.data(), static_cast<int>(length));
        } else if (errno != ENOBUFS && errno != EINTR) {
            fail("recv");
        }
    }
}

std::unique_ptr<Ban> make_ban(std::string_view name) {
    if (name == "element") {
        return std::make_unique<ElementByLibrary>();
    }
    if (name == "process") {
        return std::make_unique<ElementByProcess>();
    }
    return name == "rule" ? std::make_unique<RuleByNetlink>() : nullptr;
}

}  // namespace

int main(int argc, char** argv) {
    const std::string_view loop_name = argc == 3 ? argv[1] : "";
    auto ban = make_ban(argc == 3 ? argv[2] : "");
    if (ban == nullptr || (loop_name != "plain" && loop_name != "article")) {
        return std::fputs("usage: bench_rival plain|article element|rule|process\n", stderr), 2;
    }
    Detector detector(std::move(ban));
    std::mutex mutex;
    const bool is_article = loop_name == "article";
    Loop loop{.detector = detector, .mutex = is_article ? &mutex : nullptr};
    std::vector<nfq_handle*> handles;
    for (std::uint16_t number = 0; number < (is_article ? kArticleQueues : 1); ++number) {
        handles.push_back(open_queue(number, loop));
    }
    std::puts("ready");
    std::fflush(stdout);
    std::vector<std::jthread> threads;
    for (nfq_handle* handle : std::span(handles).subspan(1)) {
        threads.emplace_back([handle] { run(handle); });
    }
    run(handles.front());
}
