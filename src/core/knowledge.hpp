// SPDX-License-Identifier: GPL-2.0-or-later
// What the host knows of itself and its surroundings, as a value: the core is told, it never asks. Gathered
// by src/host; asked for every packet, so every question is a bit or one hash lookup and allocates nothing.
#pragma once

#include <bitset>
#include <boost/unordered/unordered_flat_map.hpp>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/address.hpp"
#include "core/port.hpp"

namespace farewell::core {

/// Immutable once made, so threads share it freely.
class Knowledge {
 public:
    struct Interface {
        std::uint32_t index = 0;
        std::string name;
        friend auto operator<=>(const Interface&, const Interface&) = default;
    };
    struct Facts {
        std::vector<Interface> interfaces{};    ///< by index
        std::vector<Address> own_addresses{};   ///< of all interfaces and families
        std::vector<Prefix> on_link{};          ///< directly connected networks; fe80::/10 counts by itself
        std::vector<Address> broadcasts{};      ///< directed broadcast addresses
        std::vector<Address> gateways{};        ///< next hops of default routes
        std::vector<Address> resolvers{};       ///< name servers in use
        std::vector<Address> session_peers{};   ///< far ends of remote sessions, now or of late
        std::uint16_t ephemeral_first = 32768;  ///< net.ipv4.ip_local_port_range, for IPv6 as well
        std::uint16_t ephemeral_last = 60999;
        std::vector<Port> served{};  ///< with a listener now or of late
        friend bool operator==(const Facts&, const Facts&) = default;
    };

    /// Nothing known but the usual ephemeral ports.
    Knowledge() = default;
    explicit Knowledge(Facts facts);

    [[nodiscard]] bool is_own(const Address& address) const { return has_role(address, kOwn); }
    [[nodiscard]] bool is_gateway(const Address& address) const { return has_role(address, kGateway); }
    [[nodiscard]] bool is_resolver(const Address& address) const { return has_role(address, kResolver); }
    [[nodiscard]] bool is_session_peer(const Address& address) const {
        return has_role(address, kSessionPeer);
    }
    /// Never one of our own addresses, whatever an interface claims.
    [[nodiscard]] bool is_broadcast(const Address& address) const { return has_role(address, kBroadcast); }
    /// Without which the host is of no use to anybody, itself included: own addresses, gateways, resolvers;
    /// and where somebody is logged in from, who could repair it.
    [[nodiscard]] bool is_protected(const Address& address) const {
        return has_role(address, kOwn | kGateway | kResolver | kSessionPeer);
    }
    /// One of the protected addresses that a prefix holds; nullopt: none. O(all of them), so not for every
    /// packet.
    [[nodiscard]] std::optional<Address> protected_in(const Prefix& prefix) const;
    /// "own address", "gateway", "resolver" or "logged-in peer": why an address is protected; empty if it is
    /// not.
    [[nodiscard]] std::string_view protected_as(const Address& address) const;
    /// Empty: not known. O(log interfaces).
    [[nodiscard]] std::string_view interface_name(std::uint32_t index) const;
    /// O(networks): a comparison of two words for each.
    [[nodiscard]] bool is_on_link(const Address& address) const;
    [[nodiscard]] bool is_ephemeral(std::uint16_t port) const {
        return facts_.ephemeral_first <= port && port <= facts_.ephemeral_last;
    }
    [[nodiscard]] bool is_served(const Port& port) const;

    [[nodiscard]] const Facts& facts() const { return facts_; }

 private:
    static constexpr unsigned kOwn = 1;
    static constexpr unsigned kGateway = 2;
    static constexpr unsigned kResolver = 4;
    static constexpr unsigned kBroadcast = 8;
    static constexpr unsigned kSessionPeer = 16;
    static constexpr std::size_t kPorts = 65536;

    /// A prefix as it is compared: 128 bits, IPv4 in the first 32.
    struct Network {
        std::uint64_t high = 0;
        std::uint64_t low = 0;
        std::uint64_t high_mask = 0;
        std::uint64_t low_mask = 0;
        Family family = Family::ipv4;
    };

    /// Quick rather than keyed: strangers ask about any address, but the host alone fills the table.
    struct QuickHash {
        std::size_t operator()(const Address& address) const;
    };

    [[nodiscard]] bool has_role(const Address& address, unsigned roles) const;
    void add_role(const std::vector<Address>& addresses, unsigned role);
    void add_network(const Prefix& prefix);

    Facts facts_;
    boost::unordered_flat_map<Address, unsigned, QuickHash> roles_;
    std::vector<Network> networks_;
    std::bitset<kPorts> tcp_;
    std::bitset<kPorts> udp_;
    std::vector<Port> other_ports_;  // sorted; SCTP and UDP-Lite: rarely any
};

/// What no ban may cover, as the enforcer is told it: the allowlist, and every protected address.
[[nodiscard]] std::vector<Prefix> never_banned(const std::vector<Prefix>& allowlist,
                                               const Knowledge& knowledge);

}  // namespace farewell::core
